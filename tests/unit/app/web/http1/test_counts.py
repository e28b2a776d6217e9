"""Blank lines are found wherever the data is cut."""

import itertools
import random

import pytest

from app.errors import BadRequest
from app.web.http1.counts import ChunkCount, HeadCount, Seams
from app.web.http1.limits import HttpLimits

LIMITS = HttpLimits(head_bytes=100, head_lines=3)


def ends(data: bytes, places: list[int]) -> list[int]:
    """Where pieces end with a blank line, of data that comes cut at these places."""
    seams, found = Seams(), []
    for begin, end in itertools.pairwise([0, *places, len(data)]):
        segment, at = data[begin:end], 0
        while at < len(segment):
            at = seams.end_of_piece(segment, at)
            if data[: begin + at].endswith(b"\r\n\r\n"):
                found.append(begin + at)
    return found


def test_wherever_it_is_cut_the_same_blank_lines_are_found() -> None:
    chance = random.Random(3)
    for _ in range(3000):
        data = bytes(chance.choices(b"\r\n\r\nab", k=chance.randrange(1, 40)))
        places = sorted(chance.sample(range(len(data)), chance.randrange(min(len(data), 6))))
        assert ends(data, places) == ends(data, []), (data, places)


def test_a_head_is_counted_with_its_blank_line() -> None:
    head = HeadCount(LIMITS)
    assert head.end_of_piece(b"x" * 96 + b"\r\n\r\nmore", 0) == 100 == head.bytes
    with pytest.raises(BadRequest) as refused:
        head.end_of_piece(b"y", 0)
    assert refused.value.code == "headers_too_large"


def test_what_stands_around_chunks_is_counted_by_their_number() -> None:
    chunks = ChunkCount(LIMITS)
    for _ in range(10):
        chunks.chunk()
        chunks.body(chunks.end_of_piece(b"x" * 1000, 0) - 100)  # 100 bytes of each are none of the body
        chunks.check()
    chunks.end_of_piece(b"x" * 400, 0)
    with pytest.raises(BadRequest) as refused:
        chunks.check()
    assert refused.value.code == "headers_too_large"


def test_trailers_are_counted() -> None:
    chunks = ChunkCount(LIMITS)
    for _ in range(3):
        chunks.trailer()
    with pytest.raises(BadRequest):
        chunks.trailer()


def test_many_chunks_must_have_some_bytes() -> None:
    good, bad = ChunkCount(LIMITS), ChunkCount(LIMITS)
    for _ in range(4096):
        for one, size in ((good, 64), (bad, 63)):
            one.chunk()
            one.body(size)
    good.body(64)
    good.chunk()
    with pytest.raises(BadRequest) as refused:
        bad.chunk()
    assert refused.value.code == "chunks_too_small"
