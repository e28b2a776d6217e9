"""The lines of a text file, one at a time, hardened."""

import io
from typing import BinaryIO

from models_store.datasets.rows import RowRejected

LONGEST = 16 * 2**20  # characters: a picture of 10 MiB, the most that the service takes, has 13.3 MiB in base64


class Lines:
    """An iterator over the lines, with their ends; `number` is the last one's, from 1.

    It raises RowRejected for a line that is too long or no UTF-8, and can be asked for the next one after that. As a
    context it leaves the file open at its end, for whoever opened it to close.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        self.number = 0

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._text.detach()

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LONGEST and not _ends(line):
            while line and not _ends(line):
                line = self._text.readline(LONGEST)
            raise RowRejected("row_too_long", f"The line has more than {LONGEST:,} characters. Make it shorter.")
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError:  # a byte that the decoder could only escape
                raise RowRejected("not_utf8", "The line is not in UTF-8. Save the file in UTF-8.") from None
        return line


def _ends(line: str) -> bool:
    return line.endswith(("\n", "\r"))
