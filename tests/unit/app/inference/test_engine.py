"""The engine, on a model that costs nothing: who is answered, who is refused, and where the time went."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, nullcontext
from typing import Any, cast

import numpy as np
import pytest

from app.decoding.decoder import Decoder
from app.errors import AppError, NotReady, TooBusy, Unprocessable
from app.inference.answer import Answer, Durations
from app.inference.batcher import Batcher, BatchResult, Rows
from app.inference.engine import Engine
from app.inference.loaded import LoadedModel
from app.inference.pool import ModelPool
from models_store.errors import ImageRejected
from models_store.model import Model
from models_store.pictures.prepare import Prepared
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import InputSpec
from tests.support.decoding import DECODER
from tests.support.pictures import encoded
from tests.unit.models_store.datasets.test_clean import unit

CHAMPION = Ref("digits")
UNIT = 28 * 28


class Corner:
    """Reads the number that stands in a picture's first pixel, and remembers its batches."""

    candidate = "fp32"
    labels = tuple("0123456789")

    def __init__(self, picture: InputSpec = InputSpec()) -> None:
        self.picture = picture
        self.batches: list[int] = []

    def predict(self, rows: Rows) -> Rows:
        self.batches.append(len(rows))
        return np.eye(10, dtype=np.float32)[rows[:, 0, 0, 0]]


def numbered(number: int, kind: str = "PNG") -> bytes:
    pixels = unit(number)
    pixels[0, 0] = number
    return encoded(pixels, kind)


class Slow(Batcher):
    """Says that each request took half a second to compute."""

    async def submit(self, rows: Rows, deadline: float = float("inf")) -> BatchResult:
        return BatchResult((await super().submit(rows)).rows, 0.5)


@asynccontextmanager
async def started(
    registry: Registry,
    model: Corner,
    batcher: type[Batcher] = Batcher,
    engine_clock: Callable[[], float] = time.monotonic,
    max_image_pixels: int = 16_000_000,
    **options: Any,
) -> AsyncIterator[Engine]:
    """An engine on this model; `options` are those of its batcher."""
    with ThreadPoolExecutor(1) as threads:

        def load(version: Version) -> LoadedModel:
            queue = batcher(model.predict, threads, **options)
            return LoadedModel(version, cast(Model, model), queue)

        decoder = Decoder(max_image_pixels, clock=engine_clock) if max_image_pixels != 16_000_000 else DECODER
        engine = Engine(registry, "cpu", decoder, max_image_pixels=max_image_pixels, clock=engine_clock)
        engine.pool = ModelPool(registry, load, max_loaded=4)
        with closing(decoder) if decoder is not DECODER else nullcontext():
            async with engine.running("digits"):
                yield engine


async def refusal(work: Awaitable[object]) -> tuple[type[AppError], str]:
    with pytest.raises(AppError) as refused:
        await work
    return type(refused.value), refused.value.code


@pytest.mark.parametrize("copies", [1, 3])  # on the event loop, and in the decoder's thread
async def test_every_picture_is_answered_in_its_place(registry: Registry, copies: int) -> None:
    model = Corner()
    async with started(registry, model) as engine:
        answers = await engine.predict(CHAMPION, [numbered(7), b"rubbish", numbered(1)] * copies)
    said = [item.verdict.label if isinstance(item, Answer) else item.code for item in answers.items]
    assert said == ["7", "image_invalid", "1"] * copies
    assert answers.version.ref == "digits@1"
    assert model.batches == [2 * copies]


@pytest.mark.parametrize("copies", [1, 3])
async def test_what_children_read_and_what_is_read_here_stand_in_their_places(registry: Registry, copies: int) -> None:
    dark = encoded(255 - unit(4), "PNG")  # is laid out anew, with nothing in its corner
    images = [numbered(1), numbered(2, "BMP"), b"rubbish", numbered(3), dark, numbered(5, "BMP")] * copies
    model = Corner()
    async with started(registry, model) as engine:
        items = (await engine.predict(CHAMPION, images)).items
    labels = [one.verdict.label if isinstance(one, Answer) else one.code for one in items]
    assert labels == ["1", "2", "image_invalid", "3", "0", "5"] * copies
    assert sum(model.batches) == 5 * copies


async def test_where_no_picture_is_good_nothing_is_computed(registry: Registry) -> None:
    model = Corner()
    async with started(registry, model) as engine:
        answers = await engine.predict(CHAMPION, [b"rubbish"])
    assert isinstance(answers.items[0], ImageRejected)
    assert (model.batches, answers.seconds.infer) == ([], 0.0)


async def test_many_small_pictures_may_have_as_many_pixels_as_four_large_ones(registry: Registry) -> None:
    pictures = [numbered(number, "BMP") for number in range(9)]  # as PNG they need no child
    async with started(registry, Corner(), max_image_pixels=9 * UNIT // 4) as engine:
        assert len((await engine.predict(CHAMPION, pictures)).items) == 9
    async with started(registry, Corner(), max_image_pixels=9 * UNIT // 4 - 1) as engine:
        assert await refusal(engine.predict(CHAMPION, pictures)) == (Unprocessable, "batch_too_large")


async def test_a_page_is_not_read_by_a_version_that_looks_for_no_writing(registry: Registry) -> None:
    async with started(registry, Corner()) as engine:
        page = await engine.read(CHAMPION, numbered(7))
        assert [one.label for one in page.verdicts] == ["7"]
        with pytest.raises(ImageRejected):
            await engine.read(CHAMPION, b"rubbish")
    async with started(registry, Corner(InputSpec(preparation="picture"))) as engine:
        assert await refusal(engine.read(CHAMPION, numbered(7))) == (Unprocessable, "model_finds_no_writing")


async def test_who_can_not_be_answered_soon_is_told_so(registry: Registry) -> None:
    async with started(registry, Corner(), max_waiting=1) as engine:
        assert await refusal(engine.predict(CHAMPION, [numbered(7)] * 2)) == (TooBusy, "too_busy")
        assert len((await engine.predict(CHAMPION, [numbered(7)])).items) == 1


async def test_rows_that_waited_over_ten_seconds_are_given_up(registry: Registry) -> None:
    now = [50.0]
    async with started(registry, Corner(), engine_clock=lambda: 50.0, clock=lambda: now[0]) as engine:
        now[0] = 60.0
        assert len((await engine.predict(CHAMPION, [numbered(7)])).items) == 1
        now[0] = 60.5
        assert await refusal(engine.predict(CHAMPION, [numbered(7)])) == (NotReady, "too_late")


async def test_the_time_of_a_request_is_told_in_three_parts(registry: Registry) -> None:
    times = iter([100.0, 101.0, 103.5])  # it began, was decoded, was computed
    async with started(registry, Corner(), Slow, engine_clock=lambda: next(times)) as engine:
        answers = await engine.predict(CHAMPION, [numbered(7)])
    assert answers.seconds == Durations(prepare=1.0, queue=2.0, infer=0.5)


class Dividing(Corner):
    """Divides by the number in the first pixel."""

    def predict(self, rows: Rows) -> Rows:
        with np.errstate(divide="ignore", invalid="ignore"):
            return super().predict(rows) / rows[:, :1, 0, 0].astype(np.float32)


async def test_a_picture_that_the_net_has_no_numbers_for_is_refused_alone(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    async with started(registry, Dividing()) as engine:
        answers = await engine.predict(CHAMPION, [numbered(1), numbered(0), numbered(1)])
        with pytest.raises(ImageRejected) as refused:
            await engine.read(CHAMPION, numbered(0))
    said = [item.verdict.label if isinstance(item, Answer) else item.code for item in answers.items]
    assert said == ["1", "picture_unreadable", "1"]
    assert refused.value.code == "picture_unreadable"
    digest = hashlib.sha256(numbered(0)).hexdigest()
    assert [record.getMessage() for record in caplog.records if record.name == "digitserve.pictures"] == [
        f"picture_unreadable sha256={digest}"
    ] * 2


async def test_rows_that_go_in_as_they_are_share_batches_with_pictures(registry: Registry) -> None:
    model = Corner()
    async with started(registry, model) as engine:
        loaded = await engine.pool.get(CHAMPION)
        given = [Prepared(np.full((1, 28, 28), number, np.uint8)) for number in (3, 1, 4)]
        model.batches.clear()
        rows, picture = await asyncio.gather(
            engine.predict_rows(loaded, given), engine.predict(CHAMPION, [numbered(7)])
        )
    said = [item.verdict.label for item in (*rows.items, *picture.items) if isinstance(item, Answer)]
    assert said == ["3", "1", "4", "7"]
    assert sum(model.batches) == 4 and len(model.batches) <= 2
    assert rows.version.ref == "digits@1" and rows.seconds.prepare == 0


async def test_no_challenger_sees_rows(registry: Registry) -> None:
    async with started(registry, Corner()) as engine:
        seen: list[object] = []
        engine.pool.challengers["digits"] = 2
        engine.beside = lambda *said: seen.append(said)
        await engine.predict_rows(await engine.pool.get(CHAMPION), [Prepared(np.zeros((1, 28, 28), np.uint8))])
        assert seen == []
        await engine.predict(CHAMPION, [numbered(7)])
        assert len(seen) == 1


async def test_a_row_that_the_net_has_no_numbers_for_is_refused_alone(registry: Registry) -> None:
    async with started(registry, Dividing()) as engine:
        given = [Prepared(np.full((1, 28, 28), number, np.uint8)) for number in (1, 0)]
        answers = await engine.predict_rows(await engine.pool.get(CHAMPION), given)
    assert [item.code if isinstance(item, ImageRejected) else "read" for item in answers.items] == [
        "read", "picture_unreadable",
    ]  # fmt: skip
