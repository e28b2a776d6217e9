"""The memory that a server's processes count in: made where a rate is set, told to each, cleared of who has ended."""

import os
import sys

import pytest

from app.settings import Settings
from app.supervision.counting import counting
from app.supervision.slots import Slot
from app.web.access.shared_counts import SharedCounts


class Heard:
    """A watcher that remembers what it was told."""

    began = True

    def __init__(self) -> None:
        self.said: list[tuple[str, int]] = []

    def started(self, slot: Slot, pid: int) -> None:
        self.said.append(("started", pid))

    def ended(self, slot: Slot, pid: int, code: int) -> None:
        self.said.append(("ended", pid))


def slot(role: str, number: int) -> Slot:
    return Slot(role, number, (sys.executable,), (), {})


def test_without_rates_there_is_no_memory_and_nobody_is_told_of_one() -> None:
    heard = Heard()
    with counting(Settings(), 4) as counts:
        assert (counts.fds, list(counts.options(1))) == ((), [])
        assert counts.watching(heard) is heard


@pytest.mark.parametrize("rate", ["rate_requests", "rate_concurrent", "rate_bytes"])
def test_any_rate_makes_it_and_its_end_frees_it(rate: str) -> None:
    with counting(Settings.model_validate({rate: 1}), 4) as counts:
        (fd,) = counts.fds
        assert list(counts.options(3)) == ["--counts", str(fd), "2"]
        SharedCounts(fd, 3)
        with pytest.raises(ValueError, match="row"):
            SharedCounts(fd, 4)
    with pytest.raises(OSError):
        os.fstat(fd)


def test_what_an_ended_process_was_answering_is_forgotten_and_what_others_answer_is_not() -> None:
    heard = Heard()
    with counting(Settings(rate_concurrent=9), 2) as counts:
        first, second = (SharedCounts(counts.fds[0], row) for row in range(2))
        place = first.place("10.0.0.1")
        for one in (first, first, second):
            one.come(place)
        watcher = counts.watching(heard)
        watcher.started(slot("api", 1), 11)
        watcher.ended(slot("worker", 1), 12, -9)
        assert second.at_once(place) == 3
        watcher.ended(slot("api", 1), 11, -9)
        assert second.at_once(place) == 1
    assert heard.said == [("started", 11), ("ended", 12), ("ended", 11)]
