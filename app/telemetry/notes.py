"""A note in memory that processes share: one writes it now and then, all others read it whole or not at all.

The writer makes a counter odd, writes, and makes it even again; who reads sees the same even number before and after,
or looks once more (a sequence lock; Lameter 2005, Effective synchronization on Linux/NUMA systems). A checksum tells
what a processor may still have reordered.
"""

import struct
import zlib

_HEAD = struct.Struct("<QII")  # how often it was written, twice; how long it is; its CRC-32
_TRIES = 100


class SharedNote:
    """At most `room` bytes."""

    def __init__(self, memory: memoryview) -> None:
        """`memory` begins with zeros where nobody has written yet."""
        self._memory = memory

    @property
    def room(self) -> int:
        """Bytes that it can hold."""
        return len(self._memory) - _HEAD.size

    def write(self, text: bytes) -> None:
        """In its one writer. Raises ValueError for what is too long."""
        if len(text) > self.room:
            raise ValueError(f"a note has room for {self.room} bytes")
        count = int(_HEAD.unpack_from(self._memory)[0]) // 2 * 2
        facts = len(text), zlib.crc32(text)
        _HEAD.pack_into(self._memory, 0, count + 1, *facts)
        self._memory[_HEAD.size : _HEAD.size + len(text)] = text
        _HEAD.pack_into(self._memory, 0, count + 2, *facts)

    def read(self) -> bytes:
        """What was written last; nothing where nobody has, or where it is being written all the time."""
        for _ in range(_TRIES):
            count, length, checksum = _HEAD.unpack_from(self._memory)
            if count % 2 or length > self.room:
                continue
            text = bytes(self._memory[_HEAD.size : _HEAD.size + length])
            if _HEAD.unpack_from(self._memory)[0] == count and zlib.crc32(text) == checksum:
                return text
        return b""
