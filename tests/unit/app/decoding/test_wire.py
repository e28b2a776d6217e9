"""Frames are what was sent, or refused."""

import struct

import pytest

from app.decoding.wire import PREFIX_BYTES, Frame, Garbled, frame, lengths, packed


def test_a_frame_comes_back_as_it_was_sent() -> None:
    sent = Frame({"work": "read", "numbers": [1, 2.5], "nothing": None, "text": "é\n"}, bytes(range(256)))
    raw = packed(sent) + bytes(sent.data)
    header, data = lengths(raw[:PREFIX_BYTES])
    assert len(raw) == PREFIX_BYTES + header + data
    assert frame(raw[PREFIX_BYTES : PREFIX_BYTES + header], raw[PREFIX_BYTES + header :]) == sent
    assert lengths(packed(Frame({}))[:PREFIX_BYTES]) == (2, 0)


@pytest.mark.parametrize(("header", "data"), [(2**24 + 1, 0), (0, 2**29 + 1), (2**32 - 1, 2**32 - 1)])
def test_what_says_that_it_is_endless_is_refused(header: int, data: int) -> None:
    with pytest.raises(Garbled):
        lengths(struct.pack(">II", header, data))


@pytest.mark.parametrize("header", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 200_000, b"\x80\x04}q\x00."])
def test_what_is_no_object_is_refused(header: bytes) -> None:
    with pytest.raises(Garbled):
        frame(header, b"")
