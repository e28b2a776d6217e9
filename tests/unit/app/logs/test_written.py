"""Standard output that is full, closed or another's: lines are lost, and a process ends as it would have ended."""

import asyncio
import io
import json
import logging
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.logs.written import Written

WRITES = """
import logging, sys
from app.logs.output import configure
configure("json", "info")
for number in range(2000):
    logging.getLogger("x").info("line %d \\udcff", number)
print("it goes on", file=sys.stderr)
"""

REQUESTS = """
import asyncio, logging, sys
from app.logs.output import configure
from app.logs.requests import RequestLines
configure("json", "info")
lines, log = RequestLines(), logging.getLogger("x")

async def main():
    for number in range(500):
        lines.say(f"req_{number}", "POST", "/v1/predict", 200, 0.001)
        if number % 100 == 99:
            log.warning("after %d", number)
        if number % 30 == 29:
            await asyncio.sleep(0)
    print("it goes on", file=sys.stderr)
    END

asyncio.run(main())
"""


def ended(stdout: int, code: str = WRITES) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", code], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


def test_a_full_disk_takes_no_line_and_no_process() -> None:
    if not Path("/dev/full").exists():
        pytest.fail("this system has no device that is always full")
    with open("/dev/full", "w") as full:
        for code in (WRITES, REQUESTS.replace("END", "pass")):
            assert ended(full.fileno(), code) == (0, "it goes on\n")


def test_a_reader_that_has_gone_neither() -> None:
    reader = subprocess.Popen([sys.executable, "-c", "pass"], stdin=subprocess.PIPE)
    reader.wait()
    assert reader.stdin is not None
    for code in (WRITES, REQUESTS.replace("END", "pass")):
        assert ended(reader.stdin.fileno(), code) == (0, "it goes on\n")
    reader.stdin.close()


def test_a_line_that_no_encoding_knows_is_written(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        assert ended(log.fileno()) == (0, "it goes on\n")
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 2000 and all(line.startswith("{") and line.endswith("}") for line in lines)


def names(lines: list[str]) -> list[str]:
    """What each line is about, in order."""
    return [fact["event"] if fact["event"] != "request" else fact["request_id"] for fact in map(json.loads, lines)]


EXPECTED = [name for number in range(500) for name in (f"req_{number}", f"after {number}")[: 1 + (number % 100 == 99)]]


@pytest.mark.parametrize("end", ["pass", "sys.exit(0)", "lines.say('req_last', 'GET', '/', 200, 0)"])
def test_no_line_is_lost_and_none_comes_before_another(tmp_path: Path, end: str) -> None:
    """Also where the process ends before the turn of the event loop does."""
    with (tmp_path / "log").open("wb") as log:
        assert ended(log.fileno(), REQUESTS.replace("END", end)) == (0, "it goes on\n")
    last = ["req_last"] if "last" in end else []
    assert names((tmp_path / "log").read_text().splitlines()) == EXPECTED + last


def test_a_process_that_breaks_has_said_its_lines_too(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        code, said = ended(log.fileno(), REQUESTS.replace("END", "raise ArithmeticError"))
    assert code == 1 and "ArithmeticError" in said
    assert names((tmp_path / "log").read_text().splitlines()) == EXPECTED


def test_what_is_written_at_once_is_whole_lines_that_a_pipe_takes_whole() -> None:
    """POSIX: up to 512 bytes; Linux: 4096 (pipe(7), PIPE_BUF). Two processes write to one pipe."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # keeps what is written in pieces
    pieces: list[bytes] = []

    def reading() -> None:
        while piece := ours.recv(65_536):
            pieces.append(piece)

    reader = threading.Thread(target=reading)
    reader.start()
    with theirs:
        assert ended(theirs.fileno(), REQUESTS.replace("END", "pass")) == (0, "it goes on\n")
    reader.join()
    ours.close()
    assert all(len(piece) <= 4096 and piece.endswith(b"\n") for piece in pieces)
    assert names(b"".join(pieces).decode().splitlines()) == EXPECTED
    assert len(pieces) < len(EXPECTED) / 5  # and that was the purpose


async def test_lines_of_one_turn_wait_for_its_end_or_for_another_line() -> None:
    said = io.StringIO()
    written = Written(said)
    written.soon(b"one\n")
    written.soon(b"two\n")
    assert said.getvalue() == ""
    written.handle(logging.makeLogRecord({"msg": "three"}))
    assert said.getvalue() == "one\ntwo\nthree\n"
    written.soon(b"four\n")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert said.getvalue() == "one\ntwo\nthree\nfour\n"
    written.flush()
    assert said.getvalue() == "one\ntwo\nthree\nfour\n"


async def test_lines_of_other_threads_take_none_away() -> None:
    said = io.StringIO()
    written = Written(said)
    threads = [
        threading.Thread(target=lambda: [written.handle(logging.makeLogRecord({"msg": "x"})) for _ in range(300)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for number in range(1000):
        written.soon(b"%d\n" % number)
        if number % 7 == 0:
            await asyncio.sleep(0)
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    lines = said.getvalue().splitlines()
    assert lines.count("x") == 1200
    assert [line for line in lines if line != "x"] == [str(number) for number in range(1000)]
