"""A stream of events, cut anywhere."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from app.cli.stream_events import StreamEvent, parse

# As the WHATWG's text has them: comments, a field without a blank, two data lines, an event without data.
STREAM = (
    b': ping\n\nid: 1\nevent: message\ndata: {"type": "message", "message": "one\xe2\x80\xa8two"}\n\n'
    b'id:2\r\ndata: {"type": "metrics",\r\ndata:  "data": {"epoch": 3}}\r\n\r\nid: 3\n\nretry: 5\n\n'
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_a_stream_says_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in itertools.pairwise(edges)]
    assert list(parse(chunks)) == [
        StreamEvent("1", "message", "info", "one\u2028two", {}),
        StreamEvent("2", "metrics", "info", "", {"epoch": 3}),
    ]
