"""/v1/models/{ref}/shadow on both databases: shown, labelled, ended, and refused."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.shadow.mcnemar import lead
from app.shadow.routes import router
from app.shadow.sample import SHEET
from app.storage.db import Database
from app.web import error_handlers
from app.web.entry import Entry
from app.web.limits import BodyLimits
from models_store.registry import Registry
from tests.contracts.test_errors import check_shape
from tests.integration.shadow.shadowing import Stage, difference

SHADOW = "/v1/models/digits/shadow"


class Served(Stage):
    """With its routes, and the models whose aliases may have moved."""

    http: httpx.AsyncClient
    changed: list[str]


def refused(answer: httpx.Response, status: int, code: str) -> None:
    check_shape(answer)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@asynccontextmanager
async def serving(stage: Stage, share: float = 0.2) -> AsyncIterator[tuple[httpx.AsyncClient, list[str]]]:
    changed: list[str] = []

    async def moved(name: str) -> None:
        changed.append(name)

    app = FastAPI()
    error_handlers.install(app)
    app.include_router(router(stage.keeper, stage.sample, moved, share, lambda name: f"No place for {name}."))
    app.add_middleware(Entry, limits=BodyLimits(2**20))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http, changed


@pytest.fixture
async def stage(registry: Registry, database: Database, tmp_path: Path) -> AsyncIterator[Served]:
    made = Served.of(registry, database, tmp_path)
    assert isinstance(made, Served)
    async with serving(made) as (made.http, made.changed):
        yield made


async def test_a_model_without_a_challenger_is_told_how_to_get_one(stage: Served) -> None:
    for method, path in (("GET", SHADOW), ("DELETE", SHADOW), ("GET", "/v1/models/letters/shadow")):
        answer = await stage.http.request(method, path)
        refused(answer, 404, "shadow_not_found")
    assert "Make a job with promote: shadow" in answer.json()["detail"]


async def test_a_sheet_shows_pictures_and_not_who_said_what(stage: Served) -> None:
    found = stage.challenge()
    stage.keeper.count(found.pair, 100, 2)
    first, second = stage.sample.add(found, difference(1), 0.1), stage.sample.add(found, difference(2), 0.2)
    said = (await stage.http.get(SHADOW)).json()
    assert [one["id"] for one in said["data"]] == [first, second] and not said["has_more"]
    assert sorted(said["data"][0]["labels"]) == ["3", "5"] and set(said["data"][0]) == {"id", "labels", "thumbnail"}
    head, _, thumbnail = said["data"][0]["thumbnail"].partition(",")
    assert head == "data:image/png;base64" and base64.b64decode(thumbnail) == difference(1).stripped.png
    assert (said["state"], said["champion"], said["challenger"]) == ("collecting", "digits@1", "digits@2")
    assert (said["compared"], said["differed"], said["labelled"], said["share"]) == (100, 2, 0, 0.2)
    assert said["labels"] == list("0123456789") and said["trouble"] == "No place for digits."
    assert "No picture has a label yet" in said["said"]


async def test_a_page_is_bounded(stage: Served) -> None:
    stage.challenge()
    stage.differ(SHEET + 2)
    said = (await stage.http.get(SHADOW)).json()
    assert len(said["data"]) == SHEET and said["has_more"]
    assert len((await stage.http.get(SHADOW, params={"limit": 3})).json()["data"]) == 3
    for limit in ("0", str(SHEET + 1), "x"):
        assert (await stage.http.get(SHADOW, params={"limit": limit})).status_code == 422


@pytest.mark.parametrize("ref", ["digits", "digits@challenger", "digits@champion", "digits@1", "digits@2"])
async def test_any_name_of_the_two_is_understood(stage: Served, ref: str) -> None:
    stage.challenge()
    assert (await stage.http.get(f"/v1/models/{ref}/shadow")).status_code == 200


@pytest.mark.parametrize(
    ("ref", "status"), [("digits@3", 404), ("digits@previous", 404), ("Digits", 422), ("digits@0", 422)]
)
async def test_any_other_is_refused(stage: Served, ref: str, status: int) -> None:
    stage.challenge()
    for method, path in (
        ("GET", "shadow"),
        ("DELETE", "shadow"),
        ("GET", "shadow/sh-0a1b2c3d4e5f60718293a4b5/picture"),
    ):
        assert (await stage.http.request(method, f"/v1/models/{ref}/{path}")).status_code == status
    assert stage.look().is_active


async def test_the_picture_itself(stage: Served) -> None:
    found = stage.challenge()
    name = stage.sample.add(found, difference(1), 0.1)
    assert (await stage.http.get(f"{SHADOW}/{name}/picture")).status_code == 404  # nobody was asked about it yet
    await stage.http.get(SHADOW)
    answer = await stage.http.get(f"{SHADOW}/{name}/picture")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/png", "no-store")
    assert answer.content == difference(1).stripped.png


async def test_labels_are_counted_and_decide(stage: Served) -> None:
    stage.challenge()
    stage.differ(lead())
    for count in range(1, lead() + 1):
        shown = (await stage.http.get(SHADOW)).json()["data"][0]
        answer = await stage.http.post(f"{SHADOW}/{shown['id']}", json={"label": "5"})
        assert answer.status_code == 200 and answer.json()["label"] == "5"
        if count < lead():
            assert (answer.json()["state"], answer.json()["labelled"]) == ("collecting", count)
    assert answer.json()["state"] == "promoted" and "so it was promoted" in answer.json()["said"]
    assert stage.aliases()["champion"] == 2 and stage.changed == ["digits"] * lead()
    said = (await stage.http.get(SHADOW)).json()
    assert (said["state"], said["champion"], said["ended_at"]) == ("promoted", "digits@2", None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"label": 7},
        {"label": None},
        {"label": "cat"},
        {"label": ""},
        {"label": "3", "x": 1},
        {"label": "3" * 300},
        [],
    ],
)
async def test_what_is_no_label_is_refused_and_the_picture_stays(stage: Served, body: object) -> None:
    stage.challenge()
    stage.differ(1)
    (shown,) = (await stage.http.get(SHADOW)).json()["data"]
    answer = await stage.http.post(f"{SHADOW}/{shown['id']}", json=body)
    assert answer.status_code == 422, answer.text
    assert (await stage.http.get(SHADOW)).json()["labelled"] == 0 and stage.left() == [shown["id"]]


async def test_a_second_label_is_refused(stage: Served) -> None:
    stage.challenge()
    stage.differ(1)
    (shown,) = (await stage.http.get(SHADOW)).json()["data"]
    assert (await stage.http.post(f"{SHADOW}/{shown['id']}", json={"label": "unreadable"})).status_code == 200
    refused(await stage.http.post(f"{SHADOW}/{shown['id']}", json={"label": "3"}), 409, "labelled_already")


async def test_who_ends_it_deletes_the_pictures(stage: Served) -> None:
    stage.challenge()
    stage.differ(2)
    answer = await stage.http.delete(SHADOW)
    assert answer.status_code == 200 and answer.json()["state"] == "ended" and stage.left() == []
    assert stage.changed == ["digits"]
    refused(await stage.http.delete(SHADOW), 409, "shadow_over")
    said = (await stage.http.get(SHADOW)).json()
    assert said["ended_at"] is not None and said["data"] == [] and "Somebody ended it" in said["said"]


async def test_a_share_of_nothing_is_told(stage: Served) -> None:
    stage.challenge()
    async with serving(stage, share=0) as (http, _):
        assert "DIGITSERVE_SHADOW_SHARE is 0" in (await http.get(SHADOW)).json()["trouble"]
