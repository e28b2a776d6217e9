"""A card without room. There is none here: what torch raises for a full one is raised by hand, all else is real."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from structlog.testing import capture_logs

from app.inference.batcher import Batcher, NeedsThread, Rows
from app.inference.fallback import CpuFallback
from app.inference.loaded import load
from app.telemetry.measures import Measures
from models_store.manifest import Manifest
from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry, Version
from training.synthetic import strokes

pytestmark = pytest.mark.anyio


class Card:
    """Computes on the CPU what a card would, as long as there is room."""

    def __init__(self) -> None:
        self.is_full = False
        self.batches: list[tuple[str, int]] = []

    def __call__(self, rows: Rows) -> Rows:
        if self.is_full:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        self.batches.append(("card", len(rows)))
        return rows * 2

    def spare(self, rows: Rows) -> Rows:
        self.batches.append(("cpu", len(rows)))
        return rows * 2


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


@pytest.mark.parametrize("inline_rows", [0, 128])
async def test_a_batch_that_finds_no_room_is_computed_on_the_cpu_and_the_next_on_the_card(
    executor: ThreadPoolExecutor, inline_rows: int
) -> None:
    card, loads, noticed = Card(), [0], [0]

    def spare() -> Card:
        loads[0] += 1
        return card.spare  # type: ignore[return-value]

    def told() -> None:
        noticed[0] += 1

    batcher = Batcher(CpuFallback(card, spare, told), executor, inline_rows=inline_rows)
    rows = np.arange(3.0)[:, None]
    for is_full in (False, True, True, False):
        card.is_full = is_full
        assert ((await batcher.submit(rows)).rows == rows * 2).all()
    assert [where for where, _ in card.batches] == ["card", "cpu", "cpu", "card"]
    assert (loads, noticed) == ([1], [2])


async def test_the_event_loop_does_not_compute_on_the_cpu(executor: ThreadPoolExecutor) -> None:
    card = Card()
    card.is_full = True
    fallback = CpuFallback(card, lambda: card.spare, lambda: None)
    with pytest.raises(NeedsThread):
        fallback(np.zeros((1, 1)))
    assert card.batches == []
    await asyncio.get_running_loop().run_in_executor(executor, fallback, np.zeros((1, 1)))
    assert card.batches == [("cpu", 1)]


async def test_what_else_goes_wrong_is_not_the_cards_fault(executor: ThreadPoolExecutor) -> None:
    def broken(rows: Rows) -> Rows:
        raise RuntimeError("no such kernel")

    batcher = Batcher(CpuFallback(broken, lambda: broken, lambda: None), executor)
    with pytest.raises(RuntimeError, match="no such kernel"):
        await batcher.submit(np.zeros((1, 1)))


class FullOnce(Manifest):
    """The facts of a version whose plain module finds no room at first: a job has the card."""

    def read_file(self, folder: Path, name: str) -> bytes:
        if name == "model.pt" and not self.metrics.get("room"):
            object.__setattr__(self, "metrics", {"room": 1.0})
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().read_file(folder, name)


async def test_a_version_that_finds_no_room_is_loaded_on_the_cpu_and_that_is_said_and_counted(
    registry: Registry, executor: ThreadPoolExecutor
) -> None:
    found, measures = registry.resolve(Ref("digits")), Measures()
    facts = {**vars(found.manifest), "gate": "no other test loads this one", "metrics": {}}
    version = Version(found.name, found.number, found.folder, FullOnce(**facts))
    with capture_logs() as said:
        loaded = load(version, "cuda", executor, 2048, measures=measures)
    digits = strokes.units(per_digit=1, seed=5)
    plain = Model.load(found.folder, found.manifest).predict(digits)
    assert np.abs((await loaded.batcher.submit(digits)).rows - plain).max() < 0.05
    assert measures.memory_fallbacks.cells() == {("cuda",): [1]}
    (warning,) = [line for line in said if line["event"] == "out_of_memory"]
    assert (warning["log_level"], warning["version"], warning["computed_on"]) == ("warning", "digits@1", "cpu")
