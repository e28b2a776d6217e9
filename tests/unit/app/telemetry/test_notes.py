"""A note is read whole, or not at all."""

import mmap
import os
import subprocess
import sys
import zlib

import pytest

from app.telemetry.notes import SharedNote
from tests.conftest import ROOT


def memory(size: int = 4096) -> memoryview:
    return memoryview(bytearray(size))


def test_nothing_is_written_at_first() -> None:
    assert SharedNote(memory()).read() == b""


def test_the_last_one_counts_also_where_it_is_shorter() -> None:
    shared = memory()
    SharedNote(shared).write(b"a long note")
    SharedNote(shared).write(b"short")
    assert SharedNote(shared).read() == b"short"


def test_what_is_too_long_is_refused_and_the_one_before_stays() -> None:
    note = SharedNote(memory(64))
    note.write(b"x" * note.room)
    with pytest.raises(ValueError, match="room"):
        note.write(b"y" * (note.room + 1))
    assert note.read() == b"x" * note.room


def test_half_a_note_is_none() -> None:
    shared = memory()
    SharedNote(shared).write(b"whole")
    shared[20] ^= 1
    assert SharedNote(shared).read() == b""


def test_a_writer_that_died_in_the_middle_keeps_nobody_from_writing() -> None:
    shared = memory()
    shared[0] = 7
    assert SharedNote(shared).read() == b""
    SharedNote(shared).write(b"again")
    assert SharedNote(shared).read() == b"again"


WRITER = """
import mmap, sys, zlib
from app.telemetry.notes import SharedNote
note = SharedNote(memoryview(mmap.mmap(int(sys.argv[1]), 0)))
for number in range(20_000):
    text = str(number).encode() * (number % 200 + 1)
    note.write(b"%08x" % zlib.crc32(text) + text)
"""


def test_beside_a_writer_no_note_is_torn() -> None:
    fd = os.memfd_create("note")
    os.ftruncate(fd, 4096)
    note = SharedNote(memoryview(mmap.mmap(fd, 0)))
    seen = 0
    with subprocess.Popen([sys.executable, "-c", WRITER, str(fd)], pass_fds=[fd], cwd=ROOT) as writer:
        while writer.poll() is None:
            text = note.read()
            seen += bool(text)
            assert not text or int(text[:8], 16) == zlib.crc32(text[8:])
    assert (writer.returncode, seen > 0) == (0, True)
    assert note.read()[8:] == b"19999" * (19_999 % 200 + 1)
