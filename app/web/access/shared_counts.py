"""What the visitors of a server have used, in memory that all its API processes share: the supervisor makes it, and
each process gets its descriptor. A process without one counts for itself.

Nothing is locked. Two processes that count the same visitor in the same microsecond may lose one of the two: he has one
request for nothing. Of what is asked at once each process writes a row of its own, which the supervisor clears when the
process has ended: a killed one leaves nothing behind.

A visitor's place is a hash under a key that is made anew with the memory. Who share a place share what one may have,
while both ask; nobody can choose with whom: to use up a stranger's place, one would have to use up all of them.
"""

import hashlib
import mmap
import os
import secrets
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Self

PLACES = 2**18  # 4 MiB, and 1 MiB for each process, of which only what is touched takes memory
_KEY_BYTES = 32
_HEAD = 4096  # a page: the key
_TIMES = 8 * PLACES  # bytes of a table of times
_ROW = 4 * PLACES  # bytes of a process's row
_MOST_KNOWN = 10_000  # places that a process keeps in mind


class SharedCounts:
    """The tables. `requests` and `bytes` have a time for each place (app.web.access.rates), in nanoseconds on the clock
    of time.monotonic_ns(), which all processes of a machine share.
    """

    def __init__(self, fd: int, row: int = 0) -> None:
        """`fd` as `file` made it. `row` is this process's own, from 0. Raises OSError, ValueError where it is none."""
        self._memory = mmap.mmap(fd, 0)
        whole = memoryview(self._memory)
        self._key = bytes(whole[:_KEY_BYTES])
        self.requests = whole[_HEAD : _HEAD + _TIMES].cast("q")
        self.bytes = whole[_HEAD + _TIMES : _HEAD + 2 * _TIMES].cast("q")
        self._rows = whole[_HEAD + 2 * _TIMES :].cast("I")
        if not 0 <= row < len(self._rows) // PLACES:
            raise ValueError(f"there is no row {row}")
        self._first = row * PLACES
        self.known: dict[str, int] = {}  # places that were asked for lately

    @classmethod
    def alone(cls) -> Self:
        """Of a process that has no others beside it."""
        fd = file(1)
        try:
            return cls(fd)
        finally:
            os.close(fd)

    def place(self, client: str) -> int:
        """Where a visitor is counted, the same in every process."""
        place = self.known.get(client)
        if place is None:
            digest = hashlib.blake2b(client.encode(errors="surrogatepass"), key=self._key, digest_size=8).digest()
            place = int.from_bytes(digest) % PLACES
            if len(self.known) >= _MOST_KNOWN:
                self.known.clear()
            self.known[client] = place
        return place

    def at_once(self, place: int) -> int:
        """How many requests are being answered, by all processes."""
        rows = self._rows
        return rows[place] if len(rows) == PLACES else sum(rows[place::PLACES])

    def come(self, place: int) -> Callable[[], None]:
        """One more is. Gives what to call when it has been."""
        own = self._first + place
        self._rows[own] += 1
        return partial(self._go, own)

    def _go(self, own: int) -> None:
        self._rows[own] -= 1

    def clear(self, row: int) -> None:
        """The process whose row this is has ended, and answers nobody."""
        self._rows[row * PLACES : (row + 1) * PLACES] = memoryview(bytes(_ROW)).cast("I")


def file(processes: int) -> int:
    """A descriptor of the memory that so many processes share; whoever closes it last frees it."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("digitserve-counts")
    else:  # not on Linux
        with tempfile.TemporaryFile() as unnamed:
            fd = os.dup(unnamed.fileno())
    os.ftruncate(fd, _HEAD + 2 * _TIMES + processes * _ROW)
    os.pwrite(fd, secrets.token_bytes(_KEY_BYTES), 0)
    return fd
