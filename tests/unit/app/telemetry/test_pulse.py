"""Writing now and then, and at the end."""

import os
from collections.abc import Iterator

import pytest

from app.telemetry import pulse
from app.telemetry.board import Board, file
from app.telemetry.measures import Measures
from app.telemetry.overview import Overview, totals_of
from tests.support import patience


@pytest.fixture
def memory() -> Iterator[int]:
    fd = file(1, 1)
    yield fd
    os.close(fd)


def counted(memory: int) -> float:
    cells = totals_of(Board(memory)).get("digitserve_refusals_total", {})
    return cells.get(("too_busy",), [0])[0]


async def test_what_is_counted_is_soon_everybodys_and_the_last_at_the_end(memory: int) -> None:
    measures = Measures()
    async with pulse.writing(Overview(measures, Board(memory, 0))):
        for number in range(1, 3):
            measures.refusals.add(("too_busy",))
            await patience.until(lambda: counted(memory) == number)  # noqa: B023 (awaited here)
        measures.refusals.add(("too_busy",))
    assert counted(memory) == 3


def test_so_it_is_without_an_event_loop(memory: int) -> None:
    measures = Measures()
    with pulse.writing_in_a_thread(Overview(measures, Board(memory, 1))):
        measures.refusals.add(("too_busy",))
        patience.wait_until(lambda: counted(memory) == 1)
        measures.refusals.add(("too_busy",))
    assert counted(memory) == 2
