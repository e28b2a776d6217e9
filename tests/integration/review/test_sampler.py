"""What predictions leave in the queue, through the whole app: only what is uncertain, only where that is wanted."""

import asyncio
import base64
import dataclasses
import io
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from app.main import create_app
from app.review import sampler
from app.settings import Settings
from app.storage.db import Database
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import EXAMPLES, republished, running
from tests.support.patience import PATIENCE_SECONDS, until
from tests.support.pictures import png, saved
from tests.support.reviewing import REVIEW
from tests.support.uploading import lying_in
from tests.unit.models_store.datasets.test_clean import unit
from training.synthetic import strokes

PREDICT = "/v1/predict"
DOUBTFUL = "digits@2"
PNG = {"content-type": "image/png"}
SEVEN = (EXAMPLES / "7.png").read_bytes()


@pytest.fixture(autouse=True)
def _the_end_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For everything that was given, however busy the machine is; the unit tests say how long it waits otherwise."""
    monkeypatch.setattr(sampler, "_CLOSE_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
def doubtful(registry: Registry) -> str:
    """A version that is uncertain of everything."""
    known = registry.resolve(Ref("digits")).manifest.calibration
    assert republished(registry, calibration=dataclasses.replace(known, threshold=1.01)).ref == DOUBTFUL
    return DOUBTFUL


@asynccontextmanager
async def keeping(tmp_path: Path, url: str, is_asked: bool = True, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The app, which can answer with DOUBTFUL at once if it `is_asked`; at the end of the block everything that it was
    given is kept."""
    options = {"keep_uncertain": True, "store_dir": tmp_path / "store", "state_dir": tmp_path, **settings}
    async with running(create_app(Settings(database_url=url, **options))) as http:
        await http.get(REVIEW)  # makes the tables
        if is_asked:
            blank = png(np.zeros((28, 28), np.uint8))  # never kept
            await http.post(PREDICT, params={"model": DOUBTFUL}, content=blank, headers=PNG)
        yield http


def left(tmp_path: Path) -> list[str]:
    return lying_in(tmp_path / "review")


async def queue(tmp_path: Path, url: str) -> list[dict[str, Any]]:
    """What waits, as a service that is started afterwards shows it."""
    async with keeping(tmp_path, url, is_asked=False) as http:
        return list((await http.get(REVIEW, params={"limit": 100})).json()["data"])


async def test_an_uncertain_picture_waits_with_what_was_read(tmp_path: Path, url: str, doubtful: str) -> None:
    async with keeping(tmp_path, url) as http:
        said = (await http.post(PREDICT, params={"model": doubtful}, content=SEVEN, headers=PNG)).json()
        again = (await http.post(PREDICT, params={"model": doubtful}, content=SEVEN, headers=PNG)).json()
        assert said["uncertain"] and again["probabilities"] == said["probabilities"]
    (shown,) = await queue(tmp_path, url)
    assert (shown["model"], shown["label"], shown["confidence"]) == (doubtful, "7", said["confidence"])
    assert shown["labels"] == list(said["probabilities"]) == list("0123456789")
    best = sorted(said["probabilities"].items(), key=lambda pair: -pair[1])[:2]
    assert [(one["label"], one["probability"]) for one in shown["best"]] == best
    async with keeping(tmp_path, url) as http:
        kept = Image.open(io.BytesIO((await http.get(f"{REVIEW}/{shown['id']}/picture")).content))
    assert np.array_equal(np.asarray(kept), np.asarray(Image.open(io.BytesIO(SEVEN))))


async def test_by_default_nothing_is_kept_and_no_thread_of_it_runs(tmp_path: Path, doubtful: str) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    async with keeping(tmp_path, url, keep_uncertain=Settings().keep_uncertain) as http:
        answer = await http.post(PREDICT, params={"model": doubtful}, content=SEVEN, headers=PNG)
        assert answer.json()["uncertain"]
        page = (await http.get(REVIEW)).json()
        assert page["data"] == [] and page["keeping"] is False
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("review")]
    assert not (tmp_path / "review").exists() and not (tmp_path / "x.db").exists()


async def test_what_is_certain_blank_or_no_picture_is_not_kept(tmp_path: Path, url: str, doubtful: str) -> None:
    async with keeping(tmp_path, url) as http:
        assert not (await http.post(PREDICT, content=SEVEN, headers=PNG)).json()["uncertain"]
        blank = png(np.full((50, 50), 255, np.uint8))
        for picture in (blank, png(np.zeros((28, 28), np.uint8))):
            answer = await http.post(PREDICT, params={"model": doubtful}, content=picture, headers=PNG)
            assert answer.json()["warnings"] == ["blank_image"] and answer.json()["uncertain"]
        for refused in (b"no picture", SEVEN[:-80]):
            answer = await http.post(PREDICT, params={"model": doubtful}, content=refused, headers=PNG)
            assert answer.status_code == 422
    assert left(tmp_path) == []


async def test_of_a_batch_the_uncertain_ones_wait(tmp_path: Path, url: str, doubtful: str) -> None:
    pictures = [SEVEN, b"no picture", png(np.zeros((40, 40), np.uint8)), (EXAMPLES / "3.png").read_bytes(), SEVEN]
    body = {"instances": [{"b64": base64.b64encode(picture).decode()} for picture in pictures]}
    async with keeping(tmp_path, url) as http:
        answer = await http.post(f"{PREDICT}/batch?top_k=1", params={"model": doubtful}, json=body)
        assert answer.status_code == 200
        assert (await http.post(f"{PREDICT}/batch", json=body)).status_code == 200  # digits@1 is certain
    waiting = await queue(tmp_path, url)
    assert {one["label"] for one in waiting} == {"3", "7"} and len(waiting) == len(left(tmp_path)) == 2
    assert all(len(one["best"]) == 2 for one in waiting)


async def test_where_it_was_taken_is_not_kept(tmp_path: Path, url: str, doubtful: str) -> None:
    tags = Image.Exif()
    tags[0x0112], tags[0x010F] = 6, "Camera of Anna"
    tags.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    page = Image.fromarray(strokes.on_paper(4, np.random.default_rng(4), size=(1500, 2000), height=900)).convert("RGB")
    photo = saved(page, "JPEG", exif=tags)
    async with keeping(tmp_path, url) as http:
        await http.post(PREDICT, params={"model": doubtful}, content=photo, headers=PNG)
    (picture_id,) = left(tmp_path)
    kept = (tmp_path / "review" / picture_id / "picture.png").read_bytes()
    assert b"Anna" in photo and b"Anna" not in kept and b"eXIf" not in kept
    assert Image.open(io.BytesIO(kept)).size == (768, 1024)


async def test_two_hundred_at_once_are_answered_and_kept(tmp_path: Path, url: str, doubtful: str) -> None:
    pictures = [png(unit(seed)) for seed in range(200)]
    async with keeping(tmp_path, url) as http:
        await http.post(PREDICT, params={"model": doubtful}, content=SEVEN, headers=PNG)
        answers = await asyncio.gather(
            *(http.post(PREDICT, params={"model": doubtful}, content=one, headers=PNG) for one in pictures)
        )
        assert [answer.json()["uncertain"] for answer in answers] == [True] * 200
        await until(lambda: len(left(tmp_path)) == 201, progress=lambda: left(tmp_path))
    assert len({one["id"] for one in await queue(tmp_path, url)}) == 100


async def test_the_largest_number_holds_while_pictures_come(tmp_path: Path, url: str, doubtful: str) -> None:
    async with keeping(tmp_path, url, review_max=3) as http:
        for seed in range(8):
            await http.post(PREDICT, params={"model": doubtful}, content=png(unit(seed)), headers=PNG)
    assert len(left(tmp_path)) == len(await queue(tmp_path, url)) == 3


async def test_without_a_database_predictions_go_on_and_pictures_are_dropped(tmp_path: Path, doubtful: str) -> None:
    nobody = "postgresql+psycopg://nobody@127.0.0.1:1/none"  # nothing listens on port 1
    with capture_logs() as logs:
        async with keeping(tmp_path, nobody) as http:
            for seed in range(20):
                answer = await http.post(PREDICT, params={"model": doubtful}, content=png(unit(seed)), headers=PNG)
                assert answer.status_code == 200 and answer.json()["uncertain"]
            answer = await http.get(REVIEW)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert sum(line["count"] for line in logs if line["event"] == "uncertain_pictures_dropped") == 20
    assert [line["event"] for line in logs].count("not_kept") == 1
    assert left(tmp_path) == []


async def test_while_the_database_is_locked_predictions_go_on_and_pictures_wait(tmp_path: Path, doubtful: str) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with closing(Database(url)) as other:
        async with keeping(tmp_path, url) as http:
            with other.writing() as connection:
                connection.exec_driver_sql("DELETE FROM jobs")
                for seed in range(20):
                    answer = await http.post(PREDICT, params={"model": doubtful}, content=png(unit(seed)), headers=PNG)
                    assert answer.status_code == 200
                with other.reading() as reader:  # every answer came before the first row
                    assert reader.exec_driver_sql("SELECT count(*) FROM review").scalar() == 0
            await until(lambda: len(left(tmp_path)) == 20, progress=lambda: left(tmp_path))


async def test_a_kept_picture_is_json_that_the_snapshot_knows(tmp_path: Path, url: str, doubtful: str) -> None:
    async with keeping(tmp_path, url) as http:
        await http.post(PREDICT, params={"model": doubtful}, content=SEVEN, headers=PNG)
        document = json.loads((await http.get("/openapi.json")).text)
    (shown,) = await queue(tmp_path, url)
    assert set(shown) == set(document["components"]["schemas"]["ReviewPicture"]["properties"])
