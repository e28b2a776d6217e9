"""Examples agree with themselves and with each other: what an example names is what another one has."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.web.openapi.document import operations
from tests.contracts.declared import Json, document, resolved

_ID = re.compile(r"(?:file|ftjob|fb|rv|sh|shadow|hg)-[0-9a-f]{24}")


def answers() -> dict[str, Any]:
    """The example of each operation's good answer in JSON."""
    found = {}
    for _, _, operation in operations(document()):
        for status in ("200", "201"):
            content = operation["responses"].get(status, {}).get("content", {}).get("application/json")
            if content and "example" in content:
                found[operation["operationId"]] = content["example"]
    return found


def within(value: Any) -> Iterator[Json]:
    """Every object of an example."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from within(one)
    elif isinstance(value, list):
        for one in value:
            yield from within(one)


@pytest.mark.parametrize("name", ["predict", "predictBatch"])
def test_the_label_is_the_most_probable_one(name: str) -> None:
    readings = [one for one in within(answers()[name]) if "probabilities" in one]
    assert readings
    for one in readings:
        assert one["label"] == max(one["probabilities"], key=one["probabilities"].__getitem__)
        assert one["confidence"] == one["probabilities"][one["label"]] and sum(one["probabilities"].values()) <= 1


def test_a_page_is_its_lines_and_a_number_its_digits() -> None:
    page = answers()["readPage"]
    assert page["text"] == "\n".join(line["text"] for line in page["lines"])
    for line in page["lines"]:
        assert line["text"] == " ".join(number["text"] for number in line["numbers"])
        for number in line["numbers"]:
            assert number["text"] == "".join(digit["label"] for digit in number["digits"])
            product = 1.0
            for digit in number["digits"]:
                product *= digit["confidence"]
                assert digit["top"][0] == {"label": digit["label"], "confidence": digit["confidence"]}
            assert number["confidence"] == pytest.approx(product, abs=1e-6)


def test_the_rows_of_a_data_set_are_counted_once() -> None:
    for name in ("uploadFile", "getFile", "listFiles"):
        for report in (one["report"] for one in within(answers()[name]) if "report" in one):
            left_out = report["duplicates"] + report["conflicting_labels"] + sum(report["refused"].values())
            assert report["rows"] == report["kept"] + left_out
            assert report["kept"] == sum(report["per_label"].values())
            if report.get("per_split"):
                assert report["kept"] == sum(sum(part.values()) for part in report["per_split"].values())


def test_a_page_begins_and_ends_with_what_it_has() -> None:
    for name, answer in answers().items():
        if "first_id" in answer:
            ids = [one["id"] for one in answer["data"]]
            assert (answer["first_id"], answer["last_id"]) == (ids[0], ids[-1]), name


def test_an_answer_is_about_what_the_address_names() -> None:
    seen = 0
    for _, _, operation in operations(document()):
        answer = answers().get(operation["operationId"], {})
        for parameter in map(resolved, operation["parameters"]):
            example = next(iter(parameter["schema"].get("examples", [])), None)
            if parameter["in"] == "path" and isinstance(example, str) and _ID.fullmatch(example) and "id" in answer:
                assert answer["id"] == example, operation["operationId"]
                seen += 1
    assert seen > 10


def test_ids_of_one_kind_are_one_id() -> None:
    """A reader who follows one through the document meets it again."""
    ids: dict[str, set[str]] = {}
    for answer in answers().values():
        for one in within(answer):
            for text in (value for value in one.values() if isinstance(value, str)):
                for found in _ID.findall(text):
                    ids.setdefault(found.partition("-")[0], set()).add(found)
    assert {kind: len(one) for kind, one in ids.items()} == dict.fromkeys(ids, 1)


def test_a_job_that_succeeded_has_its_version_and_no_error() -> None:
    job = answers()["getJob"]
    assert job["status"] == "succeeded" and job["error"] is None and job["finished_at"] > job["created_at"]
    assert job["fine_tuned_model"] == job["result"]["version"]
    assert job["fine_tuned_model"].startswith(f"{job['model']}@") and job["base"].startswith(f"{job['model']}@")


def test_the_counts_of_a_comparison_add_up() -> None:
    shadow = answers()["getShadow"]
    right = shadow["right"]
    assert sum(right.values()) == shadow["labelled"] and shadow["lead"] == right["challenger"] - right["champion"]
    assert shadow["differed"] <= shadow["compared"] and abs(shadow["lead"]) < shadow["needed_lead"]
