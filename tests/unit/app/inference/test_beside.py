"""A challenger reads what the champion has read, when nobody waits; nothing of it reaches an answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import cast

import numpy as np
import pytest
from structlog.testing import capture_logs

from app.inference import beside as besides
from app.inference.answer import Answer
from app.inference.batcher import Batcher, Rows
from app.inference.beside import Understudy, Unlike
from app.inference.engine import Engine
from app.inference.loaded import LoadedModel
from app.inference.pool import ModelPool
from models_store.errors import ManifestMismatch
from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import InputSpec
from tests.conftest import republished
from tests.support.decoding import DECODER
from tests.support.patience import until
from tests.support.pictures import encoded
from tests.unit.app.inference.test_engine import Corner, numbered
from tests.unit.models_store.datasets.test_clean import unit

CHAMPION = Ref("digits")


class OneMore(Corner):
    """Reads an odd number as the champion does, and an even one as the next; gives what `error` says."""

    error: Exception | None = None
    broken = False

    def predict(self, rows: Rows) -> Rows:
        if self.error is not None:
            raise self.error
        self.batches.append(len(rows))
        numbers = rows[:, 0, 0, 0]
        answers = np.eye(10, dtype=np.float32)[np.where(numbers % 2 == 0, numbers + 1, numbers)]
        return np.full_like(answers, np.nan) if self.broken else answers


class Scene:
    """An engine with a champion and a challenger, and what was told of both."""

    def __init__(self, registry: Registry, max_loaded: int = 4, share: float = 1.0) -> None:
        self.champion, self.challenger = Corner(), OneMore()
        self.told: list[tuple[str, int, int, int, Sequence[Unlike]]] = []
        self.refused = False
        self.now = 0.0
        self.threads = ThreadPoolExecutor(1)
        self.engine = Engine(registry, "cpu", DECODER)
        self.engine.pool = ModelPool(registry, self._load, max_loaded)
        self.beside = Understudy(self.engine, share, lambda *said: self.told.append(said), clock=lambda: self.now)
        self.engine.beside = self.beside.offer

    def _load(self, version: Version) -> LoadedModel:
        if version.number == 2 and self.refused:
            raise ManifestMismatch("It can't be read.")
        model = self.challenger if version.number == 2 else self.champion
        return LoadedModel(version, cast(Model, model), Batcher(model.predict, self.threads))

    async def read(self, *numbers: int) -> list[str]:
        answers = await self.engine.predict(CHAMPION, [numbered(number) for number in numbers], "somebody")
        return [item.verdict.label for item in answers.items if isinstance(item, Answer)]

    @property
    def compared(self) -> int:
        return sum(count for *_, count, _ in self.told)


@asynccontextmanager
async def scene(registry: Registry, max_loaded: int = 4, share: float = 1.0) -> AsyncIterator[Scene]:
    """With digits@2 as the challenger of digits@1."""
    republished(registry)
    registry.promote("digits", 2, expected=None, alias="challenger")
    made = Scene(registry, max_loaded, share)
    async with made.engine.running("digits"):
        await made.engine.pool.refresh("digits")
        yield made
        made.beside.close()
    made.threads.shutdown()


async def test_both_read_it_and_where_they_differ_the_picture_is_told(registry: Registry) -> None:
    async with scene(registry) as made:
        assert await made.read(1, 2, 3) == ["1", "2", "3"]
        await until(lambda: made.compared == 3)
    ((name, champion, challenger, count, unlike),) = made.told
    assert (name, champion, challenger, count) == ("digits", 1, 2, 3)
    assert unlike == [Unlike(numbered(2), "2", "3", 1.0, 1.0, "somebody")]
    assert made.beside.trouble("digits") is None


async def test_while_somebody_waits_the_challenger_does_not_read(registry: Registry) -> None:
    async with scene(registry) as made:
        made.engine._in_flight += 1
        await made.read(1, 2)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert made.told == [] and made.challenger.batches == []
        made.engine._in_flight -= 1
        await until(lambda: made.compared == 2)


async def test_quiet_is_some_time_after_the_last_request(registry: Registry) -> None:
    now = [0.0]
    engine = Engine(registry, "cpu", DECODER, clock=lambda: now[0])

    def load(version: Version) -> LoadedModel:
        batcher = Batcher(Corner().predict, ThreadPoolExecutor(1), inline_rows=100, clock=lambda: now[0])
        return LoadedModel(version, cast(Model, Corner()), batcher)

    engine.pool = ModelPool(registry, load, 4)
    async with engine.running("digits"):
        assert engine.is_quiet(0.005)
        await engine.predict(CHAMPION, [numbered(1)])
        assert not engine.is_quiet(0.005)
        now[0] = 0.01
        assert engine.is_quiet(0.005)


async def test_a_handful_at_a_time(registry: Registry) -> None:
    async with scene(registry) as made:
        await made.read(*[1] * 40)
        await until(lambda: made.compared == 40)
        assert made.challenger.batches == [16, 16, 8]


async def test_beyond_what_may_wait_pictures_are_let_go(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(besides, "_MOST_WAITING", 10)
    async with scene(registry) as made:
        await made.read(*[1] * 40)
        await until(lambda: made.compared)
        await made.read(1)
        await until(lambda: made.compared == 11)


async def test_only_a_share_is_read_too(registry: Registry) -> None:
    async with scene(registry, share=0.2) as made:
        draws = iter([0.1, 0.2, 0.9, 0.19])
        made.beside._chance = lambda: next(draws)
        await made.read(2, 4, 6, 8)
        await until(lambda: made.compared == 2)
        assert [one.champion_label for *_, unlike in made.told for one in unlike] == ["2", "8"]


async def test_blank_and_refused_pictures_are_not_compared(registry: Registry) -> None:
    blank = encoded(np.zeros((28, 28), np.uint8), "PNG")
    async with scene(registry) as made:
        await made.engine.predict(CHAMPION, [blank, b"rubbish", numbered(1)])
        await until(lambda: made.compared == 1)


async def test_without_a_challenger_or_for_another_version_nothing_is_taken(registry: Registry) -> None:
    async with scene(registry) as made:
        await made.engine.predict(Ref("digits", None, 2), [numbered(2)])
        registry.unalias("digits", "challenger", expected=2)
        await made.engine.pool.refresh("digits")
        await made.read(2)
        assert made.beside._task is None and made.told == []


async def test_after_a_promotion_the_former_champion_reads_beside(registry: Registry) -> None:
    async with scene(registry) as made:
        registry.promote("digits", 2, expected=1)
        registry.promote("digits", 1, expected=2, alias="challenger")
        await made.engine.pool.refresh("digits")
        assert await made.read(2) == ["3"]
        await until(lambda: made.compared == 1)
        assert made.told[0][:3] == ("digits", 2, 1)
        assert made.told[0][4] == [Unlike(numbered(2), "3", "2", 1.0, 1.0, "somebody")]


async def test_a_challenger_that_sees_other_pictures_gets_its_own(registry: Registry) -> None:
    async with scene(registry) as made:
        made.challenger.picture = InputSpec(height=32, width=32)
        seen: list[tuple[int, ...]] = []

        def predict(rows: Rows) -> Rows:
            seen.append(rows.shape[1:])
            return np.eye(10, dtype=np.float32)[np.zeros(len(rows), int)]

        made.challenger.predict = predict  # type: ignore[method-assign]
        await made.read(1)
        await until(lambda: made.compared == 1)
        assert seen == [(1, 32, 32)]


@pytest.mark.parametrize("error", [ValueError("no"), MemoryError()])
async def test_an_error_in_it_reaches_nobody(registry: Registry, error: Exception) -> None:
    async with scene(registry) as made:
        made.challenger.error = error
        with capture_logs() as logs:
            assert await made.read(1, 2) == ["1", "2"]
            await until(lambda: made.beside.trouble("digits"))
        assert "The log says why" in str(made.beside.trouble("digits"))
        said = [line["event"] for line in logs if line["log_level"] != "info"]
        assert said == ["unforeseen", "challenger_rests"]
        made.challenger.error = None
        await made.read(3)
        assert made.beside._task is None  # it rests
        made.now = 31.0
        await made.read(3)
        await until(lambda: made.compared == 1)
        assert made.beside.trouble("digits") is None


async def test_what_is_no_number_is_no_difference(registry: Registry) -> None:
    async with scene(registry) as made:
        made.challenger.broken = True
        with capture_logs():
            await made.read(1, 2)
            await until(lambda: made.beside.trouble("digits"))
        assert made.told == []


async def test_one_that_can_not_be_loaded_is_told(registry: Registry) -> None:
    async with scene(registry) as made:
        made.refused = True
        with capture_logs():
            await made.read(2)
            await until(lambda: made.beside.trouble("digits"))
        assert made.beside.trouble("digits") == "It can't be read."


async def test_without_a_place_it_is_told_and_no_champion_gives_way(registry: Registry) -> None:
    async with scene(registry, max_loaded=1) as made:
        with capture_logs():
            assert await made.read(2) == ["2"]
            await until(lambda: made.beside.trouble("digits"))
        assert "Raise DIGITSERVE_MAX_LIVE_VERSIONS" in str(made.beside.trouble("digits"))
        assert made.told == [] and made.engine.pool.find("digits", 2) is None


async def test_real_writing_is_compared_as_the_champion_saw_it(registry: Registry) -> None:
    async with scene(registry) as made:
        await made.engine.predict(CHAMPION, [encoded(255 - unit(4), "PNG")])
        await until(lambda: made.compared == 1)
