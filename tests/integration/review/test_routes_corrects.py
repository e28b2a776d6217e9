"""Answers in review become corrections, on both databases: one for a picture, whoever says it and however often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.feedback import routes as feedback_routes
from app.feedback.givers import Givers
from app.feedback.intake import Intake
from app.feedback.store import FeedbackStore
from app.review.routes import router
from app.review.store import ReviewStore
from app.storage.db import Database
from app.web import error_handlers
from models_store.registry import Registry
from tests.support.correcting import FEEDBACK, picture
from tests.support.decoding import DECODER
from tests.support.reviewing import REVIEW, kept, uncertain
from tests.support.uploading import lying_in


@dataclass(frozen=True)
class Loop:
    """Both rooms as the service wires them."""

    http: httpx.AsyncClient
    review: ReviewStore
    feedback: FeedbackStore
    state: Path

    async def answer(self, picture_id: str, label: str) -> int:
        return (await self.http.post(f"{REVIEW}/{picture_id}", json={"label": label})).status_code

    async def correct(self, seed: int, label: str) -> int:
        form = {"files": {"file": ("x.png", picture(seed))}, "data": {"label": label}}
        return (await self.http.post(FEEDBACK, **form)).status_code  # type: ignore[arg-type]

    def waiting(self) -> list[str]:
        names = sorted(one.id for one in self.review.queue(100)[0])
        assert names == lying_in(self.state / "review")
        return names

    def labels(self) -> list[str]:
        corrections, _ = self.feedback.list(100)
        assert sorted(one.id for one in corrections) == lying_in(self.state / "feedback")
        return [one.label for one in corrections]


@pytest.fixture
async def loop(database: Database, registry: Registry, tmp_path: Path) -> AsyncIterator[Loop]:
    async with serving(database, registry, tmp_path / "state") as running:
        yield running


@asynccontextmanager
async def serving(database: Database, registry: Registry, state: Path) -> AsyncIterator[Loop]:
    review, feedback, app = ReviewStore(database, state), FeedbackStore(database, state), FastAPI()
    error_handlers.install(app)
    intake = Intake(registry, feedback, 16_000_000, review.answered, Givers(database).of)
    app.include_router(router(review, intake.add, keeping=True))
    app.include_router(feedback_routes.router(feedback, intake, DECODER, "digits"))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield Loop(http, review, feedback, state)


async def test_an_answer_is_a_correction_with_all_that_is_known(loop: Loop) -> None:
    assert await loop.answer(kept(loop.review, 1), "7") == 200
    (one,), _ = loop.feedback.list(100)
    assert (one.model, one.label, one.read_by, one.read_as) == ("digits", "7", "digits@1", "3")
    assert one.sha256 == uncertain(1).stripped.sha256
    assert loop.feedback.picture(one.id) == uncertain(1).stripped.png
    assert loop.waiting() == [] and loop.labels() == ["7"]
    await loop.correct(2, "7")
    givers = {one.giver for one in loop.feedback.list(100)[0]}
    assert len(givers) == 1 and str(givers.pop()).startswith("addr:")  # by either way it is the same giver


async def test_two_who_answer_at_once_make_one_correction(loop: Loop) -> None:
    for seed in range(8):
        picture_id = kept(loop.review, seed)
        said = await asyncio.gather(*(loop.answer(picture_id, label) for label in ("7", "7", "7", "7")))
        assert 200 in said and set(said) <= {200, 404}  # 404: it was answered before
    assert loop.waiting() == [] and loop.labels() == ["7"] * 8


async def test_two_who_contradict_each_other_at_once_make_one_correction(loop: Loop) -> None:
    picture_id = kept(loop.review, 1)
    said = await asyncio.gather(*(loop.answer(picture_id, label) for label in ("1", "7", "5", "3")))
    assert 200 in said and set(said) <= {200, 404}
    assert loop.waiting() == [] and len(loop.labels()) == 1


async def test_the_last_word_counts_whatever_was_corrected_before(loop: Loop) -> None:
    assert await loop.correct(1, "5") == 201
    picture_id = kept(loop.review, 1)
    assert await loop.answer(picture_id, "7") == 200
    assert loop.labels() == ["7"] and loop.waiting() == []
    assert await loop.correct(1, "1") == 200 and loop.labels() == ["1"]


async def test_what_is_corrected_elsewhere_waits_no_more(loop: Loop) -> None:
    kept(loop.review, 1)
    other = kept(loop.review, 2)
    assert await loop.correct(1, "7") == 201
    assert loop.waiting() == [other] and loop.labels() == ["7"]


async def test_where_the_model_has_another_label_set_now_the_picture_goes_on_waiting(loop: Loop) -> None:
    picture_id = kept(loop.review, 1, "letters@1")  # that no registry has any more
    assert await loop.answer(picture_id, "7") == 404
    assert loop.waiting() == [picture_id] and loop.labels() == []
