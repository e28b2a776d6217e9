import asyncio
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app.inference.batcher import Batcher, BatchResult, Overloaded, Rows, TooLate
from tests.support.patience import PATIENCE_SECONDS


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


class Doubling:
    """A model that answers each row with twice its number and remembers the batches."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.batches: list[list[int]] = []
        self.seconds = seconds

    def __call__(self, rows: Rows) -> Rows:
        time.sleep(self.seconds)
        self.batches.append(rows[:, 0].tolist())
        return rows * 2


def rows(*numbers: int) -> Rows:
    return np.array(numbers)[:, None]


@pytest.mark.parametrize("inline_rows", [0, 1000])
async def test_what_comes_together_is_computed_together(executor: ThreadPoolExecutor, inline_rows: int) -> None:
    model = Doubling()
    batcher = Batcher(model, executor, inline_rows=inline_rows)
    answers = await asyncio.gather(*(batcher.submit(rows(i)) for i in range(20)))
    assert [answer.rows.tolist() for answer in answers] == [[[2 * i]] for i in range(20)]
    assert model.batches == [list(range(20))]


async def ticks_until_computed(batcher: Batcher, model: Doubling, *together: Rows) -> int:
    """How often the event loop turns until a batch runs, of an idle batcher."""
    for _ in range(5):
        await asyncio.sleep(0)
    before = len(model.batches)
    tasks = [asyncio.create_task(batcher.submit(one)) for one in together]
    ticks = 0
    while len(model.batches) == before:
        await asyncio.sleep(0)
        ticks += 1
    await asyncio.gather(*tasks)
    return ticks


async def test_after_a_lone_row_the_next_waits_two_ticks_less(executor: ThreadPoolExecutor) -> None:
    model = Doubling()
    batcher = Batcher(model, executor, inline_rows=1000)
    first = await ticks_until_computed(batcher, model, rows(1))
    after_one = await ticks_until_computed(batcher, model, rows(2))
    assert after_one == first - 2
    assert await ticks_until_computed(batcher, model, rows(3), rows(4)) == after_one
    assert await ticks_until_computed(batcher, model, rows(5)) == first  # others may come with it, as before
    assert await ticks_until_computed(batcher, model, rows(6)) == after_one
    assert model.batches == [[1], [2], [3, 4], [5], [6]]


async def test_what_comes_a_tick_later_comes_along_unless_the_last_row_was_alone(executor: ThreadPoolExecutor) -> None:
    model = Doubling()
    batcher = Batcher(model, executor, inline_rows=1000)

    async def later() -> BatchResult:
        await asyncio.sleep(0)
        return await batcher.submit(rows(2))

    for _ in range(2):
        await asyncio.gather(batcher.submit(rows(1)), later())
        await asyncio.sleep(0)
    assert model.batches == [[1, 2], [1, 2]]


async def test_an_answer_is_its_callers_own(executor: ThreadPoolExecutor) -> None:
    """Rows are passed on and not copied: who is alone in a batch has the model's own."""
    batcher = Batcher(lambda batch: batch * 2, executor, inline_rows=1000)
    given = rows(1)
    alone = await batcher.submit(given)
    both = await asyncio.gather(batcher.submit(rows(3)), batcher.submit(rows(4)))
    assert (given.item(), alone.rows.item(), [one.rows.item() for one in both]) == (1, 2, [6, 8])
    split = await Batcher(lambda batch: batch * 2, executor, max_batch=4).submit(rows(*range(11)))
    assert np.array_equal(split.rows, rows(*range(11)) * 2)


async def test_while_a_batch_runs_the_next_one_fills(executor: ThreadPoolExecutor) -> None:
    go, model = threading.Event(), Doubling()

    def held(batch: Rows) -> Rows:
        assert go.wait(PATIENCE_SECONDS)
        return model(batch)

    batcher = Batcher(held, executor)
    first = asyncio.create_task(batcher.submit(rows(1)))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(batcher.submit(rows(i))) for i in (2, 3, 4)]
    await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(first, *others)
    assert model.batches == [[1], [2, 3, 4]]


async def test_every_answer_belongs_to_its_picture_whatever_happens(executor: ThreadPoolExecutor) -> None:
    """1,000 concurrent requests of 1 to 40 rows through a slow model; a third of the clients goes away at some time."""
    chance = random.Random(3)
    model = Doubling(seconds=0.001)
    batcher = Batcher(model, executor, max_waiting=10**6, inline_rows=8)
    numbers = iter(range(10**6))
    asked = [rows(*(next(numbers) for _ in range(chance.randint(1, 40)))) for _ in range(1000)]

    leaving = [chance.random() < 0.33 for _ in asked]

    async def client(mine: Rows, leaves: bool) -> bool:
        await asyncio.sleep(chance.random() / 20)
        task = asyncio.create_task(batcher.submit(mine))
        if leaves:
            await asyncio.sleep(chance.random() / 20)
            task.cancel()
        try:
            assert np.array_equal((await task).rows, mine * 2)
            return True
        except asyncio.CancelledError:
            return False

    answered = await asyncio.gather(*(map(client, asked, leaving)))
    assert 600 <= leaving.count(False) <= sum(answered) <= 1000
    assert max(map(len, model.batches)) <= 128
    computed = [number for batch in model.batches for number in batch]
    assert len(computed) == len(set(computed))
    assert batcher.waiting_rows == 0


async def test_a_large_request_does_not_starve_single_ones(executor: ThreadPoolExecutor) -> None:
    model = Doubling()
    batcher = Batcher(model, executor, max_batch=16)
    large = asyncio.create_task(batcher.submit(rows(*range(100))))
    singles = [asyncio.create_task(batcher.submit(rows(1000 + i))) for i in range(4)]
    answers = await asyncio.gather(*singles)
    assert [answer.rows.item() for answer in answers] == [2 * (1000 + i) for i in range(4)]
    assert {1000, 1001, 1002, 1003} <= set(model.batches[0])
    assert np.array_equal((await large).rows, rows(*range(100)) * 2)
    assert max(map(len, model.batches)) <= 16


async def test_a_failing_batch_fails_only_its_own_rows(executor: ThreadPoolExecutor) -> None:
    def fragile(batch: Rows) -> Rows:
        if 7 in batch:
            raise ArithmeticError("7")
        return batch * 2

    batcher = Batcher(fragile, executor, max_batch=4)
    outcomes = await asyncio.gather(*(batcher.submit(rows(i)) for i in range(12)), return_exceptions=True)
    failed = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, ArithmeticError)]
    assert failed == [4, 5, 6, 7]
    assert (await batcher.submit(rows(3))).rows.item() == 6
    assert batcher.waiting_rows == 0


async def test_a_split_request_fails_whole_and_leaves_the_queue(executor: ThreadPoolExecutor) -> None:
    model = Doubling()

    def fragile(batch: Rows) -> Rows:
        if 0 in batch:
            raise ArithmeticError("0")
        return model(batch)

    batcher = Batcher(fragile, executor, max_batch=4)
    with pytest.raises(ArithmeticError):
        await batcher.submit(rows(*range(20)))
    assert batcher.waiting_rows == 0
    assert (await batcher.submit(rows(5))).rows.item() == 10
    assert model.batches == [[5]]


async def test_a_full_queue_refuses_at_once_and_recovers(executor: ThreadPoolExecutor) -> None:
    batcher = Batcher(Doubling(), executor, max_waiting=10)
    first = asyncio.create_task(batcher.submit(rows(*range(8))))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await batcher.submit(rows(1, 2, 3))
    await first
    assert (await batcher.submit(rows(*range(10)))).rows.shape == (10, 1)


async def test_a_client_that_went_away_is_not_computed(executor: ThreadPoolExecutor) -> None:
    model = Doubling()
    batcher = Batcher(model, executor)
    gone = asyncio.create_task(batcher.submit(rows(1)))
    stays = asyncio.create_task(batcher.submit(rows(2)))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert model.batches == [[2]]
    assert batcher.waiting_rows == 0


async def test_rows_past_their_deadline_are_refused_uncomputed(executor: ThreadPoolExecutor) -> None:
    model, now = Doubling(), [100.0]
    batcher = Batcher(model, executor, clock=lambda: now[0])
    with pytest.raises(TooLate):
        await batcher.submit(rows(1), deadline=99.0)
    assert (await batcher.submit(rows(2), deadline=100.0)).rows.item() == 4
    assert model.batches == [[2]]
    assert batcher.waiting_rows == 0


async def test_the_rows_of_each_batch_are_told(executor: ThreadPoolExecutor) -> None:
    told: list[int] = []
    batcher = Batcher(lambda batch: batch * 2, executor, max_batch=4, counted=told.append)
    await batcher.submit(rows(*range(11)))
    assert told == [4, 4, 3]
