"""/v1/review on both databases: the queue is looked at, answered and dismissed."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.errors import StorageFull
from app.storage.db import Database
from tests.contracts.test_errors import check_shape
from tests.support.reviewing import REVIEW, Correction, Service, kept, serving, uncertain


@pytest.fixture
async def service(database: Database, tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(database, tmp_path) as running:
        yield running


async def test_the_queue_shows_what_a_person_needs(service: Service) -> None:
    empty: dict[str, Any] = {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
        "keeping": True,
    }
    assert (await service.http.get(REVIEW)).json() == empty
    second, first = kept(service.store, 1, confidence=0.6), kept(service.store, 2, confidence=0.55)
    page = (await service.http.get(REVIEW)).json()
    assert (page["first_id"], page["last_id"], page["has_more"]) == (first, second, False)
    shown = page["data"][0]
    head, _, thumbnail = shown.pop("thumbnail").partition(",")
    assert head == "data:image/png;base64" and base64.b64decode(thumbnail) == uncertain(2).stripped.png
    assert shown.pop("created_at") > 1_700_000_000
    assert shown == {
        "id": first, "object": "review.picture", "model": "digits@1", "label": "3", "confidence": 0.55,
        "best": [{"label": "3", "probability": 0.55}, {"label": "5", "probability": 0.405}],
        "labels": ["1", "3", "5", "7"],
    }  # fmt: skip
    page = (await service.http.get(REVIEW, params={"limit": 1})).json()
    assert [one["id"] for one in page["data"]] == [first] and page["has_more"]
    page = (await service.http.get(REVIEW, params={"model": "letters"})).json()
    assert page["data"] == []


async def test_the_picture_itself(service: Service) -> None:
    answer = await service.http.get(f"{REVIEW}/{kept(service.store, 1)}/picture")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store"
    assert answer.content == uncertain(1).stripped.png


async def test_an_answer_is_a_correction_and_the_picture_waits_no_more(service: Service) -> None:
    picture_id, other = kept(service.store, 1, "digits@2"), kept(service.store, 2)
    answer = await service.http.post(f"{REVIEW}/{picture_id}", json={"label": "7"})
    assert (answer.status_code, answer.json()) == (
        200,
        {"id": picture_id, "object": "review.picture", "model": "digits@2", "read_as": "3", "label": "7"},
    )
    assert service.recorder.taken == [Correction("digits", "7", uncertain(1).stripped.png, "digits@2", "3")]
    assert service.left() == [other]
    assert (await service.http.post(f"{REVIEW}/{picture_id}", json={"label": "7"})).status_code == 404
    assert len(service.recorder.taken) == 1


async def test_a_correction_that_is_refused_leaves_the_picture_in_the_queue(service: Service) -> None:
    picture_id = kept(service.store, 1)
    service.recorder.error = StorageFull("storage_full", "The disk is full. Free some space and repeat the request.")
    answer = await service.http.post(f"{REVIEW}/{picture_id}", json={"label": "3"})
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    service.recorder.error = None
    assert (await service.http.post(f"{REVIEW}/{picture_id}", json={"label": "3"})).status_code == 200
    assert [one.label for one in service.recorder.taken] == ["3"]


@pytest.mark.parametrize("label", ["8", "", " 3", "33", "\0", "\uff13"])
async def test_a_label_that_the_version_has_not(service: Service, label: str) -> None:
    picture_id = kept(service.store, 1)
    answer = await service.http.post(f"{REVIEW}/{picture_id}", json={"label": label})
    assert (answer.status_code, answer.json()["code"]) == (422, "label_unknown")
    assert answer.json()["detail"] == "digits@1 has no such label. It has 1, 3, 5, 7."
    check_shape(answer)
    assert service.left() == [picture_id] and service.recorder.taken == []


@pytest.mark.parametrize(("body", "status", "code"), [
    (b"", 400, "json_malformed"), (b"{", 400, "json_malformed"), (b"\xff", 400, "json_malformed"),
    (b'{"label": "\\ud800"}', 400, "json_malformed"), (b"[" * 100_000, 400, "json_malformed"),
    (b"{}", 422, "validation_failed"), (b"null", 422, "validation_failed"), (b'"3"', 422, "validation_failed"),
    (b'{"label": 3}', 422, "validation_failed"), (b'{"label": null}', 422, "validation_failed"),
    (b'{"label": ["3"]}', 422, "validation_failed"), (b'{"label": "3", "more": 1}', 422, "validation_failed"),
])  # fmt: skip
async def test_a_body_that_is_no_answer(service: Service, body: bytes, status: int, code: str) -> None:
    picture_id = kept(service.store, 1)
    answer = await service.http.post(f"{REVIEW}/{picture_id}", content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    check_shape(answer)
    assert service.left() == [picture_id]


async def test_a_dismissed_picture_is_gone(service: Service) -> None:
    picture_id, other = kept(service.store, 1), kept(service.store, 2)
    answer = await service.http.delete(f"{REVIEW}/{picture_id}")
    assert answer.json() == {"id": picture_id, "object": "review.picture", "deleted": True}
    assert service.left() == [other]
    for method, rest in (("GET", "/picture"), ("DELETE", "")):
        gone = await service.http.request(method, f"{REVIEW}/{picture_id}{rest}")
        assert (gone.status_code, gone.json()["code"]) == (404, "picture_not_found")


@pytest.mark.parametrize("name", ["rv-0123", "x", "%00", "..%2f..", "rv-%E2%80%AE", "rv-" + "0" * 5000])
async def test_ids_that_nothing_has(service: Service, name: str) -> None:
    for method, rest in (("GET", "/picture"), ("DELETE", ""), ("POST", "")):
        body = json.dumps({"label": "3"}) if method == "POST" else None
        answer = await service.http.request(method, f"{REVIEW}/{name}{rest}", content=body)
        assert answer.status_code == 404 and answer.json()["code"] in ("picture_not_found", "not_found")
        check_shape(answer)


@pytest.mark.parametrize(("query", "code"), [
    ({"limit": "0"}, "validation_failed"), ({"limit": "101"}, "validation_failed"),
    ({"limit": "x"}, "validation_failed"),
    ({"model": "digits@champion"}, "bad_model_name"), ({"model": "../x"}, "bad_model_name"),
    ({"model": "a\0"}, "bad_model_name"), ({"model": ""}, "bad_model_name"),
])  # fmt: skip
async def test_a_queue_that_there_is_not(service: Service, query: dict[str, str], code: str) -> None:
    answer = await service.http.get(REVIEW, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    check_shape(answer)


async def test_where_nothing_is_kept_the_queue_says_so_and_what_is_left_can_go(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path, keeping=False) as service:
        left = kept(service.store, 1)
        page = (await service.http.get(REVIEW)).json()
        assert (page["data"], page["has_more"], page["keeping"]) == ([], False, False)
        assert (await service.http.delete(f"{REVIEW}/{left}")).status_code == 200
        assert service.left() == []
