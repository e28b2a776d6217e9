"""The memory that a server's processes count in: made where a rate is set, told to each, cleared of who has ended."""

import os
import sys

import pytest

from app.settings import Settings
from app.supervision.counting import counting
from app.supervision.slots import Slot
from app.telemetry.board import Board
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


def test_without_rates_visitors_are_not_counted() -> None:
    with counting(Settings(job_workers=2), 4) as counts:
        (fd,) = counts.fds
        assert list(counts.options(1)) == ["--board", str(fd), "0"]


def test_each_process_is_told_of_a_row_of_its_own_on_the_board() -> None:
    with counting(Settings(job_workers=2), 4) as counts:
        told = [*(counts.options(number) for number in range(1, 5)), counts.worker_options(1), counts.worker_options(2)]
        assert [int(words[-1]) for words in told] == list(range(6))
        (fd,) = counts.worker_fds
        assert {words[-2] for words in told} == {str(fd)}
        assert [Board(fd, row).own for row in (0, 3, 4, 5)] == ["api-1", "api-4", "worker-1", "worker-2"]
        assert counts.board.own == "supervisor"


@pytest.mark.parametrize("rate", ["rate_requests", "rate_concurrent", "rate_bytes"])
def test_any_rate_makes_a_memory_for_visitors_and_the_end_frees_all(rate: str) -> None:
    with counting(Settings.model_validate({rate: 1}), 4) as counts:
        board, fd = counts.fds
        assert list(counts.options(3)) == ["--counts", str(fd), "2", "--board", str(board), "2"]
        assert counts.worker_fds == (board,)
        SharedCounts(fd, 3)
        with pytest.raises(ValueError, match="row"):
            SharedCounts(fd, 4)
    for one in (board, fd):
        with pytest.raises(OSError):
            os.fstat(one)


def test_an_ended_process_is_nothing_at_the_moment_and_what_it_counted_stays() -> None:
    with counting(Settings(job_workers=1), 2) as counts:
        for row in range(3):
            board = Board(counts.fds[0], row)
            board.begin()
            board.write(b"counted")
        watcher = counts.watching(Heard())
        watcher.ended(slot("api", 2), 11, -9)
        assert [row.is_alive for row in counts.board.every().values()] == [True, False, True, False]
        watcher.ended(slot("worker", 1), 12, -9)
        assert [row.is_alive for row in counts.board.every().values()] == [True, False, False, False]
        assert [row.text for row in counts.board.every().values()] == [b"counted", b"counted", b"counted", b""]


def test_what_an_ended_process_was_answering_is_forgotten_and_what_others_answer_is_not() -> None:
    heard = Heard()
    with counting(Settings(rate_concurrent=9), 2) as counts:
        first, second = (SharedCounts(counts.fds[1], row) for row in range(2))
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
