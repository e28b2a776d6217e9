"""Corrections -> a zip that POST /v1/files and `python -m training` read: a folder per label."""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

from app.feedback.tables import Correction
from models_store.datasets.passed_over import is_clutter
from models_store.datasets.splits import split_of

Read = Callable[[Correction], bytes | None]
# What every system can call a folder; no label with another character becomes one.
_FOLDER = re.compile(r"[\w+-](?:[\w+ .-]*[\w+-])?")
_TABLE, _TOGETHER = "labels.csv", "pictures"


def pack(file: IO[bytes] | io.RawIOBase, corrections: Sequence[Correction], read: Read) -> Iterator[int]:
    """Writes the zip into `file`, which need not be seekable; yields after each picture how many there are.

    `read` gives a picture's PNG, or None where it was deleted meanwhile. Where a label is no name for a folder, all
    pictures lie in one, and a `labels.csv` says what they show.
    """
    foldered = _are_folders({correction.label for correction in corrections})
    table = io.StringIO(newline="")
    rows = csv.writer(table)
    rows.writerow(("file", "label"))
    count = 0
    with zipfile.ZipFile(file, "w") as archive:
        for correction in corrections:
            data = read(correction)
            if data is None:
                continue
            name = f"{correction.label if foldered else _TOGETHER}/{correction.id}.png"
            archive.writestr(zipfile.ZipInfo(name), data)  # a PNG is compressed already
            rows.writerow((name, correction.label))
            count += 1
            yield count
        if not foldered:
            archive.writestr(zipfile.ZipInfo(_TABLE), table.getvalue())


def stream(corrections: Sequence[Correction], read: Read) -> Iterator[bytes]:
    """The zip piece by piece, with one picture in memory."""
    pipe = _Pipe()
    for _ in pack(pipe, corrections, read):
        yield pipe.take()
    yield pipe.take()


class _Pipe(io.RawIOBase):
    """A file that can only be written, and that hands out what was."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """Everything written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _are_folders(labels: Iterable[str]) -> bool:
    """Whether each can be a folder of its own, on a disk that takes A and a for the same too."""
    names = list(labels)
    alike = len({name.casefold() for name in names}) < len(names)
    taken = any(is_clutter(name) or split_of(name) for name in names)  # a reader takes it for something else
    return not (alike or taken) and all(_FOLDER.fullmatch(name) for name in names)
