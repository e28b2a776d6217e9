"""The OpenAPI document: names, texts, examples and references are as its readers and generators need them."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from app.web.access.scopes import OPEN, needed
from app.web.openapi.document import operations
from app.web.openapi.names import TAGS
from tests.contracts.declared import Json, document, resolved, validator_of

_ID = re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)*")
_GENERIC = {400, 403, 408, 413, 415, 429, 431, 500, 503}  # what any request can be told
_LONGEST_SUMMARY = 60


def each() -> Iterator[tuple[str, str, Json]]:
    yield from operations(document())


def walked(part: Any, path: str = "#") -> Iterator[tuple[str, Json]]:
    """Every object of the document with its place."""
    if isinstance(part, dict):
        yield path, part
        for key, value in part.items():
            yield from walked(value, f"{path}/{key}")
    elif isinstance(part, list):
        for place, value in enumerate(part):
            yield from walked(value, f"{path}/{place}")


def test_operation_ids_are_short_unique_and_names() -> None:
    ids = [operation["operationId"] for _, _, operation in each()]
    assert [one for one, times in Counter(ids).items() if times > 1] == []
    assert all(_ID.fullmatch(one) and len(one) <= 30 for one in ids)


def test_operation_ids_stay() -> None:
    """Clients have methods of these names. A new one is added; none ever goes."""
    kept = {
        "predict", "predictBatch", "readPage", "listModels", "getVersion", "deleteVersion", "promote", "deleteAlias",
        "rollBack", "getShadow", "endShadow", "labelShadow", "getShadowPicture", "uploadFile", "listFiles", "getFile",
        "downloadFile", "deleteFile", "createJob", "listJobs", "getJob", "cancelJob", "pauseJob", "resumeJob",
        "listJobEvents", "listJobCheckpoints", "correct", "listCorrections", "getCorrection", "getCorrectionPicture",
        "deleteCorrection", "deleteCorrections", "countCorrections", "exportCorrections", "listHeld", "releaseHeld",
        "removeHeld", "listCorrectionVersions", "listReview", "getReviewPicture", "answerReview", "dismissReview",
        "getHealth", "getReadiness",
    }  # fmt: skip
    assert kept <= {operation["operationId"] for _, _, operation in each()}


def test_every_operation_has_its_texts() -> None:
    for method, path, operation in each():
        what = f"{method} {path}"
        assert operation["summary"] and len(operation["summary"]) <= _LONGEST_SUMMARY, what
        assert not operation["summary"].endswith("."), what
        assert operation["description"].strip(), what
        assert not operation.get("deprecated"), what
        for status, answer in operation["responses"].items():
            assert resolved(answer)["description"] not in ("", "Successful Response"), f"{what} {status}"


def test_tags_are_in_an_order_each_with_a_text_and_an_operation() -> None:
    used = {tag for _, _, operation in each() for tag in operation["tags"]}
    assert all(len(operation["tags"]) == 1 for _, _, operation in each())
    assert [tag["name"] for tag in document()["tags"]] == [tag["name"] for tag in TAGS]
    assert used == {tag["name"] for tag in TAGS}
    assert all(tag["description"].endswith(".") for tag in TAGS)


def test_every_operation_lists_its_statuses_and_no_default() -> None:
    for path, method, operation in each():
        statuses = set(operation["responses"])
        assert "default" not in statuses
        assert {str(status) for status in _GENERIC} <= statuses, (path, method)
        assert any(status.startswith("2") for status in statuses), (path, method)
        assert ("401" in statuses) == (needed(method.upper(), path) != OPEN), (path, method)


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    references = {part["$ref"] for _, part in walked(document()) if isinstance(part.get("$ref"), str)}
    for reference in references:
        assert resolved({"$ref": reference}), reference
    named = {
        f"#/components/{kind}/{name}"
        for kind, components in document()["components"].items()
        for name in components
        if kind != "securitySchemes"
    }
    assert named - references == set()
    assert not [place for place, part in walked(document()) if "$defs" in part]


def test_every_schema_has_a_title_and_a_text_and_every_field_one_or_the_other() -> None:
    for name, schema in document()["components"]["schemas"].items():
        assert schema.get("title") == name, name
        assert schema.get("description", "").strip(), name
        for field, one in schema.get("properties", {}).items():
            assert {"title", "description", "$ref"} & set(one), f"{name}.{field}"


def test_every_parameter_has_a_text_and_a_bound_or_an_example() -> None:
    for path, _, operation in each():
        for parameter in map(resolved, operation["parameters"]):
            what, schema = f"{path} {parameter['name']}", parameter["schema"]
            assert parameter.get("description"), what
            told = {"examples", "default", "enum", "minimum", "anyOf", "pattern", "$ref"} & set(schema)
            assert told or schema.get("type") == "boolean", what


def test_header_parameters_and_headers_are_told() -> None:
    headers = {
        (operation["operationId"], parameter["name"])
        for _, _, operation in each()
        for parameter in map(resolved, operation["parameters"])
        if parameter["in"] == "header"
    }
    assert {("createJob", "Idempotency-Key"), ("listJobEvents", "Last-Event-ID")} <= headers
    assert {(operation["operationId"], "X-Request-ID") for _, _, operation in each()} <= headers
    for _, _, operation in each():
        for status, answer in operation["responses"].items():
            found = set(resolved(answer)["headers"])
            assert {"X-Request-ID", "RateLimit"} <= found
            assert ("Retry-After" in found) == (status in ("429", "503"))
            assert ("WWW-Authenticate" in found) == (status == "401")


def test_servers_security_and_license_are_said() -> None:
    assert document()["servers"] and document()["info"]["license"]["identifier"] == "Apache-2.0"
    schemes = set(document()["components"]["securitySchemes"])
    for path, method, operation in each():
        assert {name for one in operation["security"] for name in one} <= schemes, (path, method)


def contents() -> Iterator[tuple[str, str, Json]]:
    """What is carried, its kind, and what the document says of it: of bodies, of good answers and of problems."""
    for _, _, operation in each():
        carriers = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for name, carrier in carriers.items():
            for kind, content in resolved(carrier).get("content", {}).items():
                yield f"{operation['operationId']} {name} {kind}", kind, content


def values_of(content: Json) -> list[Any]:
    named = [resolved(one)["value"] for one in content.get("examples", {}).values()]
    return named + ([content["example"]] if "example" in content else [])


def test_every_json_has_an_example_and_each_example_fits_its_schema() -> None:
    for what, kind, content in contents():
        assert "schema" in content, what
        if "json" in kind and kind not in ("application/jsonl", "application/x-ndjson"):
            assert values_of(content), f"{what}: a field has no example"
            for value in values_of(content):
                wrong = next(validator_of(content["schema"]).iter_errors(value), None)
                assert wrong is None, f"{what}: {wrong}"


def test_each_example_of_a_schema_and_of_a_parameter_fits_it() -> None:
    whole = document()["components"]
    for place, part in walked(document()):
        if not isinstance(part.get("examples"), list):
            continue
        schema = {key: value for key, value in part.items() if key != "examples"}
        judge = jsonschema_rs.validator_for({"components": whole, **schema})
        for example in part["examples"]:
            assert judge.is_valid(example), f"{place}: {example!r}"


@pytest.mark.parametrize("kind", ["binary"])
def test_what_is_bytes_is_said_to_be(kind: str) -> None:
    for what, media, content in contents():
        if media.startswith(("image/", "application/zip", "application/x-zip", "application/octet-stream")):
            assert resolved(content["schema"]).get("format") == kind, what
        if media == "text/event-stream":
            assert content["schema"]["type"] == "string" and content["example"].startswith(("retry:", "data:")), what
