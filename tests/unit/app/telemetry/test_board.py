"""Memory in which processes write and read each other, with real ones that are killed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from app.telemetry.board import Board, file
from tests.conftest import ROOT
from tests.support.patience import PATIENCE_SECONDS

WRITER = """
import sys
from app.telemetry.board import Board
board = Board(int(sys.argv[1]), int(sys.argv[2]))
print(board.begin().decode(), flush=True)
for number in range(int(sys.argv[3])):
    board.write(b"%d " % number * 50_000)
print("written", flush=True)
input()
"""
FOREVER = 10**9


@pytest.fixture
def memory() -> Iterator[int]:
    fd = file(2, 1)
    yield fd
    os.close(fd)


def writer(fd: int, row: int, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(fd), str(row), str(times)]
    return subprocess.Popen(command, cwd=ROOT, pass_fds=(fd,), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_rows_are_called_as_the_supervisor_calls_its_processes(memory: int) -> None:
    names = ["api-1", "api-2", "worker-1", "supervisor"]
    assert list(Board(memory).every()) == names
    assert [Board(memory, row).own for row in range(4)] == names
    assert Board.alone().own == "api-1"


def test_each_reads_what_the_others_have_written(memory: int) -> None:
    first, second = Board(memory, 0), Board(memory, 1)
    assert first.begin() == b""
    for text in (b"one", b"three", b"two"):
        assert first.write(text)
        assert second.every()["api-1"].text == text
    assert second.every()["api-2"].text == b""
    assert Board(memory).every()["api-1"] == (b"two", True, 0)


def test_a_process_goes_on_where_the_one_before_it_was_killed(memory: int) -> None:
    board = Board(memory)
    with writer(memory, 1, 3) as child:
        assert child.stdout is not None
        assert [child.stdout.readline().strip() for _ in range(2)] == ["", "written"]
        assert board.every()["api-2"].is_alive
        child.kill()
    board.clear(1)
    left = board.every()["api-2"]
    assert (left.text, left.is_alive) == (b"2 " * 50_000, False)
    assert Board(memory, 1).begin() == left.text
    assert board.every()["api-2"].is_alive


def test_whoever_reads_while_another_writes_reads_something_whole(memory: int) -> None:
    board = Board(memory)
    with writer(memory, 0, FOREVER) as child:
        assert child.stdout is not None
        child.stdout.readline()
        seen: set[bytes] = set()
        while len(seen) < 20:
            words = board.every()["api-1"].text.split()
            assert len(set(words)) <= 1
            seen.update(words)
        child.kill()
        child.wait(PATIENCE_SECONDS)
    (word,) = set(board.every()["api-1"].text.split())  # killed in the middle of writing, most likely
    assert int(word) >= max(map(int, seen))


def test_a_half_that_is_torn_leaves_the_one_before_it(memory: int) -> None:
    board = Board(memory, 0)
    board.write(b"first")
    board.write(b"second")
    whole = os.pread(memory, os.fstat(memory).st_size, 0)
    os.pwrite(memory, b"torn", whole.index(b"second"))
    assert Board(memory).every()["api-1"].text == b"first"


def test_what_does_not_fit_is_said_and_the_old_stays(memory: int) -> None:
    board = Board(memory, 2)
    board.begin()
    most = 2**20
    assert board.write(b"x" * most)
    assert not board.write(b"y" * (most + 1))
    assert not board.write(b"y" * (most + 1))
    assert board.every()["worker-1"] == (b"x" * most, True, 2)
    board.begin()
    assert board.every()["worker-1"].too_large == 2


def test_notes_are_everybodys_and_no_rows(memory: int) -> None:
    Board(memory, 0).notes[:5] = b"noted"
    Board(memory, 2).write(b"x" * 2**20)
    Board(memory, 2).write(b"x" * 2**20)
    assert bytes(Board(memory).notes[:6]) == b"noted\0"
    assert len(Board(memory).notes) == 2**16


def test_what_is_no_board_is_refused(memory: int) -> None:
    with pytest.raises(ValueError, match="no row 4"):
        Board(memory, 4)
    with pytest.raises(OSError):
        Board(10**6, 0)
    for text in (b"short", bytes(8192), b"\x01" * 8192):
        with tempfile.TemporaryFile() as other:
            other.write(text)
            other.flush()
            with pytest.raises(ValueError, match=r"board|row"):
                Board(other.fileno(), 0)
