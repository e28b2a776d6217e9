"""Memory that processes count in together, with real ones."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from app.web.access.shared_counts import PLACES, SharedCounts, file
from tests.conftest import ROOT
from tests.support.patience import PATIENCE_SECONDS

CHILD = """
import sys
from app.web.access.shared_counts import SharedCounts
counts = SharedCounts(int(sys.argv[1]), int(sys.argv[2]))
place = counts.place("10.0.0.1")
counts.requests[place] = 12_500_000_000_000_000
for _ in range(3):
    counts.come(place)
print(place, counts.at_once(place), flush=True)
input()
"""


@pytest.fixture
def memory() -> Iterator[int]:
    fd = file(3)
    yield fd
    os.close(fd)


def child(fd: int, row: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(fd), str(row)]
    return subprocess.Popen(command, cwd=ROOT, pass_fds=(fd,), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_count_together_and_a_killed_one_leaves_nothing_behind(memory: int) -> None:
    counts = SharedCounts(memory)
    place = counts.place("10.0.0.1")
    counts.come(place)
    with child(memory, 1) as one, child(memory, 2) as other:
        said = sorted(map(str.split, [one.stdout.readline(), other.stdout.readline()]))  # type: ignore[union-attr]
        assert {words[0] for words in said} == {str(place)}  # everybody finds the same place
        assert counts.at_once(place) == 7
        assert counts.requests[place] == 12_500_000_000_000_000
        one.kill()
        one.wait(PATIENCE_SECONDS)
        counts.clear(1)
        assert counts.at_once(place) == 4
        other.kill()
    counts.clear(2)
    assert counts.at_once(place) == 1


def test_what_has_come_goes_once(memory: int) -> None:
    counts = SharedCounts(memory, 2)
    go = [counts.come(7), counts.come(7)]
    assert counts.at_once(7) == 2
    for one in go:
        one()
    assert counts.at_once(7) == 0


def test_nobody_can_tell_who_shares_a_place(memory: int) -> None:
    names = [f"10.0.{high}.{low}" for high in range(20) for low in range(250)]
    one, other = SharedCounts(memory), SharedCounts.alone()
    places = [one.place(name) for name in names]
    assert all(0 <= place < PLACES for place in places)
    assert len(set(places)) > 0.98 * len(names)  # by chance 1 % share one
    assert sum(place == other.place(name) for place, name in zip(places, names, strict=True)) < 10  # another key


def test_places_are_found_again_when_there_are_too_many_to_remember(memory: int) -> None:
    counts = SharedCounts(memory)
    first = counts.place("first")
    for number in range(25_000):
        counts.place(f"key:{number}")
    assert len(counts.known) <= 10_000
    assert counts.place("first") == first
    assert 0 <= counts.place("\udcff") < PLACES  # whatever an address is


@pytest.mark.parametrize("row", [-1, 3, 10**9])
def test_a_row_that_is_not_there_is_refused(memory: int, row: int) -> None:
    with pytest.raises(ValueError, match="row"):
        SharedCounts(memory, row)


def test_what_is_no_such_memory_is_refused() -> None:
    with open(os.devnull, "rb") as nothing, pytest.raises((OSError, ValueError)):
        SharedCounts(nothing.fileno())
    with pytest.raises(OSError):
        SharedCounts(10_000)
    reading, writing = (os.fdopen(end, "rb") for end in os.pipe())
    with closing(reading), closing(writing), pytest.raises((OSError, ValueError)):
        SharedCounts(reading.fileno())
