"""What a head or a chunked body has taken so far, and when that is too much."""

from app.web.http1 import refusals
from app.web.http1.limits import HttpLimits

_END = b"\r\n\r\n"
_MANY_PIECES, _PIECE_BYTES = 4096, 64  # after so many pieces they must have so many bytes on average
_AROUND_CHUNK = 128  # bytes of a chunk's size, its extensions and line ends


class Seams:
    """Finds blank lines in data that is cut anywhere: with one a head ends, and so does a chunked body."""

    def __init__(self) -> None:
        self._before = b""

    def end_of_piece(self, data: bytes, start: int) -> int:
        """Where what goes on at `start` has its next blank line behind it, or where the data ends."""
        end = -1
        if self._before:
            seam = (self._before + data[start : start + 3]).find(_END)
            end = -1 if seam < 0 else start + seam + len(_END) - len(self._before)
        if end < 0:
            found = data.find(_END, start)
            end = len(data) if found < 0 else found + len(_END)
        self._before = (self._before + data[start:end])[-3:] if end - start < 3 else data[end - 3 : end]
        return end


class HeadCount(Seams):
    """One head. `since` is when its first bytes came, 0 while none have; `is_for_head` whether they ask with HEAD."""

    def __init__(self, limits: HttpLimits) -> None:
        super().__init__()
        self.since = 0.0
        self.is_for_head = False
        self.bytes = 0
        self._limits = limits

    def end_of_piece(self, data: bytes, start: int) -> int:
        """Raises BadRequest (`headers_too_large`)."""
        end = super().end_of_piece(data, start)
        self.is_for_head = self.is_for_head or (not self.bytes and data.startswith(b"HEAD ", start))
        self.bytes += end - start
        if self.bytes > self._limits.head_bytes:
            raise refusals.headers_too_large(self._limits)
        return end


class ChunkCount(Seams):
    """One chunked body."""

    def __init__(self, limits: HttpLimits) -> None:
        super().__init__()
        self._limits = limits
        self._bytes = self._around = self._chunks = self._pieces = self._trailers = 0

    def end_of_piece(self, data: bytes, start: int) -> int:
        """Raises BadRequest (`chunks_too_small`)."""
        end = super().end_of_piece(data, start)
        self._around += end - start
        self._piece()
        return end

    def chunk(self) -> None:
        """A chunk begins. Raises BadRequest (`chunks_too_small`)."""
        self._chunks += 1
        self._piece()

    def body(self, count: int) -> None:
        """So many bytes of the last piece are the body's own."""
        self._bytes += count
        self._around -= count

    def trailer(self) -> None:
        """Raises BadRequest (`headers_too_large`)."""
        self._trailers += 1
        if self._trailers > self._limits.head_lines:
            raise refusals.headers_too_large(self._limits)

    def check(self) -> None:
        """Between two pieces. Raises BadRequest (`headers_too_large`)."""
        if self._around > self._limits.head_bytes + _AROUND_CHUNK * self._chunks:
            raise refusals.headers_too_large(self._limits)

    def _piece(self) -> None:
        self._pieces += 1
        if self._pieces > _MANY_PIECES and self._bytes < self._pieces * _PIECE_BYTES:
            raise refusals.chunks_too_small()
