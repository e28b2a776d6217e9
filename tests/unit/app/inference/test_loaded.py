"""The queue that a loaded version gets, by what its batches and pictures cost."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from app.inference.batcher import Batcher, Overloaded, Rows
from app.inference.loaded import batching
from models_store.manifest import Manifest
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import InputSpec
from tests.unit.models_store.model.test_model_large import COLOURS, Slow

pytestmark = pytest.mark.anyio
DIGIT = InputSpec()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


@pytest.fixture
def manifest(registry: Registry) -> Manifest:
    return registry.resolve(Ref("digits")).manifest


@pytest.mark.parametrize(("per_row", "largest"), [(0.0001, 128), (0.03, 8), (3.0, 1)])
async def test_a_slow_net_gets_small_batches(
    manifest: Manifest, executor: ThreadPoolExecutor, per_row: float, largest: int
) -> None:
    net = Slow(per_row)
    model = net.model(manifest, DIGIT)
    model.warm_up()
    batcher = batching(model, executor, max_waiting=2048)
    net.sizes.clear()
    answers = await asyncio.gather(*(batcher.submit(np.zeros((50, *DIGIT.shape), np.uint8)) for _ in range(6)))
    assert [len(answer.rows) for answer in answers] == [50] * 6
    assert max(net.sizes) == largest
    assert 300 <= sum(net.sizes) < 310  # the last batch is filled up to a bucket


@pytest.mark.parametrize(("picture", "room"), [(DIGIT, 2048), (COLOURS, 64 * 2**20 // (3 * 224 * 224))])
async def test_large_pictures_wait_in_a_shorter_queue(
    manifest: Manifest, executor: ThreadPoolExecutor, picture: InputSpec, room: int
) -> None:
    batcher = batching(Slow(1.0).model(manifest, picture), executor, max_waiting=2048)
    with pytest.raises(Overloaded):
        await batcher.submit(np.zeros((room + 1, *picture.shape), np.uint8))
    waiting = asyncio.create_task(batcher.submit(np.zeros((room, *picture.shape), np.uint8)))
    await asyncio.sleep(0)
    assert batcher.waiting_rows == room
    waiting.cancel()


async def test_a_request_of_the_most_pictures_always_finds_room(
    manifest: Manifest, executor: ThreadPoolExecutor
) -> None:
    huge = InputSpec(channels=3, height=512, width=512, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")
    batcher = batching(Slow(1.0).model(manifest, huge), executor, max_waiting=2048)
    waiting = asyncio.create_task(batcher.submit(np.zeros((256, *huge.shape), np.uint8)))
    await asyncio.sleep(0)
    assert batcher.waiting_rows == 256
    waiting.cancel()


async def test_a_request_whose_first_rows_were_in_time_is_answered_whole(executor: ThreadPoolExecutor) -> None:
    now = 0.0

    def compute(rows: Rows) -> Rows:
        nonlocal now
        now += 4.0
        return rows * 2

    batcher = Batcher(compute, executor, max_batch=2, clock=lambda: now)
    answer = await batcher.submit(np.arange(8.0)[:, None], deadline=10.0)
    assert now == 16.0
    assert (answer.rows == np.arange(8.0)[:, None] * 2).all()


async def test_a_row_that_the_net_raises_for_takes_no_other_with_it(
    manifest: Manifest, executor: ThreadPoolExecutor
) -> None:
    class Choosy(Slow):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            if bool((pixels[:, 0, 0, 0] == 1).any()):
                raise RuntimeError("no such picture")
            return super().forward(pixels)

    model = Choosy(0.0001).model(manifest, DIGIT)
    model.warm_up((1, 2, 4))
    rows = np.zeros((3, *DIGIT.shape), np.uint8)
    rows[1, 0, 0, 0] = 255
    answer = await batching(model, executor, max_waiting=2048).submit(rows)
    assert np.isnan(answer.rows).all(1).tolist() == [False, True, False]
