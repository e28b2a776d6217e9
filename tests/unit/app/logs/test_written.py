"""Standard output that is full, closed or another's: lines are lost, and a process ends as it would have ended."""

import subprocess
import sys
from pathlib import Path

import pytest

WRITES = """
import logging, sys
from app.logs.output import configure
configure("json", "info")
for number in range(2000):
    logging.getLogger("x").info("line %d \\udcff", number)
print("it goes on", file=sys.stderr)
"""


def ended(stdout: int) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", WRITES], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


def test_a_full_disk_takes_no_line_and_no_process() -> None:
    if not Path("/dev/full").exists():
        pytest.fail("this system has no device that is always full")
    with open("/dev/full", "w") as full:
        assert ended(full.fileno()) == (0, "it goes on\n")


def test_a_reader_that_has_gone_neither() -> None:
    reader = subprocess.Popen([sys.executable, "-c", "pass"], stdin=subprocess.PIPE)
    reader.wait()
    assert reader.stdin is not None
    assert ended(reader.stdin.fileno()) == (0, "it goes on\n")
    reader.stdin.close()


def test_a_line_that_no_encoding_knows_is_written(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        assert ended(log.fileno()) == (0, "it goes on\n")
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 2000 and all(line.startswith("{") and line.endswith("}") for line in lines)
