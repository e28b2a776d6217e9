"""A stream of events, cut anywhere."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from digitserve.client.stream import EventReader, JobEvent

# As the WHATWG's text has them: comments, a field without a blank, two data lines, an event without data.
STREAM = (
    b': ping\n\nid: 1\nevent: message\ndata: {"type": "message", "message": "one\xe2\x80\xa8two"}\n\n'
    b'id:2\r\ndata: {"type": "metrics",\r\ndata:  "data": {"epoch": 3}}\r\n\r\nid: 3\n\nretry: 5\n\n'
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_a_stream_says_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in itertools.pairwise(edges)]
    reader = EventReader()
    assert [event for chunk in chunks for event in reader.feed(chunk)] == [
        JobEvent("1", "message", "info", "one\u2028two", {}),
        JobEvent("2", "metrics", "info", "", {"epoch": 3}),
    ]


def test_the_last_event_is_known() -> None:
    assert JobEvent("3", "message", "info", "", {"state": "cancelled"}).is_last
    assert JobEvent("", "end", "info", "", {}).is_last
    assert not JobEvent("2", "message", "info", "", {"state": "running"}).is_last
