"""Which coding an Accept-Encoding asks for, and when an answer is packed."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.v2.packing import coding, packed_answer

LONG = bytes(2000)


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip", "gzip"), ("deflate", "deflate"), ("gzip, deflate", "gzip"), ("deflate, gzip", "deflate"),
        ("gzip;q=0.5, deflate", "deflate"), ("GZIP ; Q=1.0", "gzip"), ("x-gzip", "gzip"), ("br, gzip;q=0.1", "gzip"),
        ("", None), ("identity", None), ("br", None), ("gzip;q=0", None), ("gzip;q=0.000, deflate;q=0", None),
        ("*", None),        ("gzip;q=x", None), ("gzip;level=1", None), ("gzip;q=-1", None), (",,;", None),
        ("x" * 300 + ", gzip", None),
    ],
)  # fmt: skip
def test_the_one_that_is_liked_best(accepted: str, chosen: str | None) -> None:
    assert coding(accepted) == chosen


@given(st.text(max_size=60))
def test_whatever_is_accepted_is_understood_or_nothing(accepted: str) -> None:
    assert coding(accepted) in (None, "gzip", "deflate")


def test_an_answer_comes_back() -> None:
    body, chosen = packed_answer(LONG, "gzip")
    assert chosen == "gzip" and gzip.decompress(body) == LONG
    body, chosen = packed_answer(LONG, "deflate")
    assert chosen == "deflate" and zlib.decompress(body) == LONG


def test_a_short_one_or_one_that_nobody_wants_packed_stays() -> None:
    assert packed_answer(LONG[:1000], "gzip") == (LONG[:1000], None)
    assert packed_answer(LONG, "br") == (LONG, None)
