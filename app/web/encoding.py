"""Bodies that come packed (Content-Encoding, RFC 9110, 8.4): gzip is unpacked piece by piece while it arrives."""

import asyncio
import zlib

from starlette.types import Message, Receive, Scope

from app.errors import BadRequest, UnsupportedMediaType
from models_store.text import shown

ACCEPTED = "identity, gzip"
UNSUPPORTED = "unsupported_content_encoding"  # the code of a refusal
_GZIP = ("gzip", "x-gzip")  # the second is its former name (RFC 9110, 8.4.1.3)
_PIECE = 256 * 1024  # bytes: unpacked in about a millisecond
_WITH_HEADER = 16 + zlib.MAX_WBITS  # zlib's way to say gzip
_MAX_MEMBERS = 10_000  # a block of 64 KiB each, as bgzip makes them, is far below


def is_packed(scope: Scope) -> bool:
    """Whether the body comes in gzip. Raises UnsupportedMediaType for any other coding, and for several."""
    values = b",".join(value for name, value in scope["headers"] if name == b"content-encoding").decode("latin-1")
    if not values:
        return False
    named = [coding for text in values.split(",") if (coding := text.strip().lower()) not in ("", "identity")]
    if len(named) > 1 or not set(named) <= set(_GZIP):
        came = shown(", ".join(named), longest=40)
        raise UnsupportedMediaType(
            UNSUPPORTED,
            f"The Content-Encoding is {came}, and only gzip is unpacked, once. Send the body as it is or as gzip.",
        )
    return bool(named)


def unpacked_scope(scope: Scope) -> Scope:
    """The scope of the body as it will be read: without its coding, and without its length on the way."""
    headers = [pair for pair in scope["headers"] if pair[0] not in (b"content-encoding", b"content-length")]
    return {**scope, "headers": headers}


class Unpacked:
    """What `receive` brings, unpacked. Never more than a piece of it is in memory, whatever it unpacks to."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._stream = zlib.decompressobj(_WITH_HEADER)
        self._members = 1
        self._packed = b""  # has come, and is not unpacked yet
        self._is_full = False  # zlib may hold more of what has come
        self._has_begun = self._has_come = self._has_ended = False

    async def __call__(self) -> Message:
        """The next message. Raises BadRequest where the bytes are no gzip, or end too early."""
        while not self._has_ended:
            while self._packed or self._is_full:
                piece = self._unpack()
                await asyncio.sleep(0)  # much may come of little: others get their turn
                if piece:
                    return {"type": "http.request", "body": piece, "more_body": True}
            if self._has_come:
                if self._has_begun and not self._stream.eof:
                    raise _malformed("ends too early. Send all of it")
                self._has_ended = True
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._packed = message.get("body", b"")
            self._has_come = not message.get("more_body", False)
        return await self._receive()

    def _unpack(self) -> bytes:
        if self._stream.eof:  # a gzip file may have several members (RFC 1952, 2.2)
            self._stream = zlib.decompressobj(_WITH_HEADER)
            self._members += 1
        if self._members > _MAX_MEMBERS:
            raise _malformed(f"has more than {_MAX_MEMBERS:,} gzip members. Pack it in one piece")
        self._has_begun = True
        try:
            piece = self._stream.decompress(self._packed, _PIECE)
        except zlib.error:
            raise _malformed("is no gzip, though its Content-Encoding says so. Send it as it is") from None
        self._is_full = len(piece) == _PIECE and not self._stream.eof
        self._packed = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return piece


def _malformed(why: str) -> BadRequest:
    return BadRequest("gzip_malformed", f"The body {why}.")
