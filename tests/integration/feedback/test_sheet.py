"""/v1/feedback/held, many at once and who learned them, over HTTP."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.feedback import lineage
from app.feedback.held import hold
from app.storage.db import Database
from models_store.registry import Registry
from tests.support.correcting import FEEDBACK, Service, kept, picture, put, serving

HELD = f"{FEEDBACK}/held"


@pytest.fixture
async def service(database: Database, registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(database, registry, tmp_path / "state", job_after=20) as running:
        yield running


def holding(database: Database, names: list[str], job: str = "ftjob-1", reason: str = "alike") -> None:
    """Has a job learn these corrections and hold them back."""
    with database.writing() as connection:
        lineage.teach(connection, job, "digits", 1e12, names)
        assert hold(
            connection, job, 1e12, [{"name": f"7/{name}.png", "reason": reason, "group": "x"} for name in names]
        )


async def asked(service: Service, query: str = "") -> dict[str, Any]:
    answer = await service.http.get(f"{HELD}{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def told(service: Service, what: str, **body: object) -> httpx.Response:
    return await service.http.post(f"{HELD}/{what}", json=body)


async def test_the_sheet_shows_why_and_which(service: Service, database: Database) -> None:
    record = await service.given(picture(1), label="7", read_as="1")
    assert record["giver"].startswith("addr:") and record["held"] is None
    holding(database, [record["id"]])
    page = await asked(service)
    (group,) = page["data"]
    (shown,) = group.pop("pictures")
    assert group | {"id": "", "held_at": 0} == {
        "id": "", "object": "feedback.held", "model": "digits", "reason": "alike", "job": "ftjob-1",
        "giver": record["giver"], "in_common": "x", "held_at": 0, "count": 1, "labels": {"7": 1},
    }  # fmt: skip
    assert (shown["id"], shown["label"], shown["read_as"]) == (record["id"], "7", "1")
    assert base64.b64decode(shown["thumbnail"].partition(",")[2]) == kept(1).png
    assert (page["first_id"], page["last_id"], page["has_more"]) == (group["id"], group["id"], False)
    assert (await service.http.get(f"{FEEDBACK}/{record['id']}")).json()["held"] == "alike"
    summary = (await service.http.get(f"{FEEDBACK}/summary")).json()
    assert (summary["total"], summary["waiting"], summary["held"]) == (1, 0, 1)


async def test_pages_are_bounded(service: Service, database: Database) -> None:
    for seed in range(3):
        holding(database, [put(service.store, 10 * seed + n, "7") for n in range(3)], f"ftjob-{seed}")
    page = await asked(service, "?limit=2&pictures=2")
    assert page["has_more"] and [len(group["pictures"]) for group in page["data"]] == [2, 2]
    rest = await asked(service, f"?limit=2&after={page['last_id']}&pictures=0&model=digits")
    assert [group["job"] for group in rest["data"]] == ["ftjob-0"] and not rest["has_more"]
    for bad in ("limit=51", "pictures=101", "limit=0", "model=A", "what=1"):
        assert (await service.http.get(f"{HELD}?{bad}")).status_code in (400, 422), bad


async def test_a_person_decides(service: Service, database: Database) -> None:
    names = [put(service.store, seed, "7", giver="key:a") for seed in range(4)]
    other = put(service.store, 9, "7")
    holding(database, [*names, other])
    assert (await told(service, "release", ids=names[:1])).json() == {"object": "feedback.released", "released": 1}
    assert (await told(service, "remove", job="ftjob-1", giver=None)).json()["removed"] == 1
    group = (await asked(service))["data"][0]["id"]
    assert (await told(service, "remove", group=group)).json() == {"object": "feedback.removed", "removed": 3}
    assert (await told(service, "remove", group=group)).json()["removed"] == 0
    assert service.left() == [names[0]] and (await asked(service))["data"] == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"ids": []}, {"ids": ["fb-1"]}, {"ids": [f"fb-{n:024x}" for n in range(1001)]}, {"ids": "fb"},
        {"group": "x"}, {"giver": "\x00"}, {"job": 1}, {"what": "x"}, [], {"group": None}, {"reason": "r" * 65},
    ],
)  # fmt: skip
async def test_what_says_nothing_does_nothing(service: Service, database: Database, body: Any) -> None:
    holding(database, [put(service.store, 1, "7")])
    for what in ("release", "remove"):
        answer = await service.http.post(f"{HELD}/{what}", json=body)
        assert answer.status_code == 422 and answer.json()["code"], answer.text
    assert (await service.http.post(f"{HELD}/remove", content=b"{")).status_code == 400
    assert service.store.held("digits") == 1


async def test_the_list_and_the_export_tell_them_apart(service: Service, database: Database) -> None:
    held, free = put(service.store, 1, "7", giver="key:a"), put(service.store, 2, "7", giver="key:b")
    holding(database, [held])
    for query, names in (
        ("held=true", [held]), ("held=false", [free]), ("giver=key:a", [held]), ("giver=key:a&held=false", []),
        ("", [free, held]),
    ):  # fmt: skip
        listed = (await service.http.get(f"{FEEDBACK}?{query}")).json()["data"]
        assert [one["id"] for one in listed] == names, query
    assert (await service.http.get(f"{FEEDBACK}?giver=%00")).status_code == 422
    for query, name in (("", free), ("?held=true", held)):
        exported = await service.http.get(f"{FEEDBACK}/export{query}")
        assert name.encode() in exported.content and exported.content.count(b".png") == 2  # entry and directory


async def test_many_are_deleted_by_giver_and_time(service: Service, database: Database) -> None:
    names = [put(service.store, seed, "7", giver="key:ab"[: 5 + seed % 2]) for seed in range(4)]
    other = put(service.store, 9, "7", model="letters", giver="key:a")
    at = service.store.get(names[0]).changed_at
    refused = await service.http.delete(FEEDBACK)
    assert (refused.status_code, refused.json()["code"]) == (422, "filter_missing")
    for nothing in ("giver=key:c", f"until={int(at) - 1}", f"since={int(at) + 100}", "giver=key:a&model=none"):
        assert (await service.http.delete(f"{FEEDBACK}?{nothing}")).json()["removed"] == 0, nothing
    for bad in ("since=x", "giver=a%20b", "since=-1", "model=A", "giver="):
        assert (await service.http.delete(f"{FEEDBACK}?{bad}")).status_code in (400, 422), bad
    some = await service.http.delete(f"{FEEDBACK}?giver=key:a&model=digits&since={int(at)}")
    assert some.json() == {"object": "feedback.removed", "removed": 2}
    assert service.left() == sorted([names[1], names[3], other])
    assert (await service.http.delete(f"{FEEDBACK}?until={int(at) + 100}")).json()["removed"] == 3
    assert service.left() == []


async def test_who_learned_it_can_be_asked(service: Service, database: Database) -> None:
    name = put(service.store, 1, "7")
    url = f"{FEEDBACK}/{name}/versions"
    fresh = {"id": name, "object": "feedback.versions", "model": "digits", "deleted": False, "versions": []}
    assert (await service.http.get(url)).json() == {**fresh, "without": "digits@1"}
    with database.writing() as connection:
        lineage.teach(connection, "ftjob-1", "digits", 1e12, [name])
        lineage.made(connection, "ftjob-1", "digits@2", "digits@1", accepted=True)
    assert (await service.http.delete(f"{FEEDBACK}/{name}")).status_code == 200
    learner = {"version": "digits@2", "job": "ftjob-1", "exists": False}
    assert (await service.http.get(url)).json() == {
        **fresh, "deleted": True, "versions": [learner], "without": "digits@1"
    }  # fmt: skip
    for unknown in ("fb-" + "0" * 24, "x", "%00"):
        assert (await service.http.get(f"{FEEDBACK}/{unknown}/versions")).status_code == 404
