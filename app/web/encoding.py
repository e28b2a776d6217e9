"""Bodies that come packed (Content-Encoding, RFC 9110, 8.4): they are unpacked piece by piece while they arrive. gzip
is, and at the door of the Open Inference Protocol deflate too, which its clients send.
"""

import asyncio
import zlib

from starlette.types import Message, Receive, Scope

from app.errors import BadRequest, UnsupportedMediaType
from app.web.problems import is_open_inference
from models_store.text import shown

UNSUPPORTED = "unsupported_content_encoding"  # the code of a refusal
GZIP, DEFLATE = "gzip", "deflate"
_SYNONYMS = {"x-gzip": GZIP}  # its former name (RFC 9110, 8.4.1.3)
_PIECE = 256 * 1024  # bytes: unpacked in about a millisecond
# zlib's ways to say gzip, and its own format, which is what deflate means here (RFC 9110, 8.4.1.2)
_FORMATS = {GZIP: 16 + zlib.MAX_WBITS, DEFLATE: zlib.MAX_WBITS}
_MAX_MEMBERS = 10_000  # a block of 64 KiB each, as bgzip makes them, is far below


def read_at(scope: Scope) -> tuple[str, ...]:
    """The codings in which bodies may come at the door that is asked."""
    return ("identity", GZIP, DEFLATE) if is_open_inference(scope.get("path", "")) else ("identity", GZIP)


def coding_of(scope: Scope) -> str | None:
    """How the body is packed, None where it is not. Raises UnsupportedMediaType for a coding that is not read at this
    door, and for several."""
    values = b",".join(value for name, value in scope["headers"] if name == b"content-encoding").decode("latin-1")
    if not values:
        return None
    said = (text.strip().lower() for text in values.split(","))
    named = [_SYNONYMS.get(coding, coding) for coding in said if coding not in ("", "identity")]
    taken = read_at(scope)[1:]
    if len(named) > 1 or not set(named) <= set(taken):
        came = shown(", ".join(named), longest=40)
        raise UnsupportedMediaType(
            UNSUPPORTED,
            f"The Content-Encoding is {came}, and only {' or '.join(taken)} is unpacked, once. Send the body as it is "
            f"or as {taken[0]}.",
        )
    return named[0] if named else None


def unpacked_scope(scope: Scope) -> Scope:
    """The scope of the body as it will be read: without its coding, and without its length on the way."""
    headers = [pair for pair in scope["headers"] if pair[0] not in (b"content-encoding", b"content-length")]
    return {**scope, "headers": headers}


class Unpacked:
    """What `receive` brings, unpacked. Never more than a piece of it is in memory, whatever it unpacks to."""

    def __init__(self, receive: Receive, coding: str = GZIP) -> None:
        self._receive = receive
        self._coding = coding
        self._stream = zlib.decompressobj(_FORMATS[coding])
        self._members = 1
        self._packed = b""  # has come, and is not unpacked yet
        self._is_full = False  # zlib may hold more of what has come
        self._has_begun = self._has_come = self._has_ended = False

    async def __call__(self) -> Message:
        """The next message. Raises BadRequest where the bytes are not packed so, or end too early."""
        while not self._has_ended:
            while self._packed or self._is_full:
                piece = self._unpack()
                await asyncio.sleep(0)  # much may come of little: others get their turn
                if piece:
                    return {"type": "http.request", "body": piece, "more_body": True}
            if self._has_come:
                if self._has_begun and not self._stream.eof:
                    raise self._malformed("ends too early. Send all of it")
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
            self._stream = zlib.decompressobj(_FORMATS[self._coding])
            self._members += 1
        if self._members > _MAX_MEMBERS:
            raise self._malformed(f"has more than {_MAX_MEMBERS:,} {self._coding} members. Pack it in one piece")
        self._has_begun = True
        try:
            piece = self._stream.decompress(self._packed, _PIECE)
        except zlib.error:
            no = f"is no {self._coding}, though its Content-Encoding says so. Send it as it is"
            raise self._malformed(no) from None
        self._is_full = len(piece) == _PIECE and not self._stream.eof
        self._packed = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return piece

    def _malformed(self, why: str) -> BadRequest:
        sentence = f"The body {why}."
        if self._coding == DEFLATE:
            return BadRequest("deflate_malformed", sentence)
        return BadRequest("gzip_malformed", sentence)
