"""Labelled pictures as a program has them, as one file that the server takes."""

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from digitserve.client.pictures import Picture, picture_bytes
from digitserve.client.steps import Upload

FEEDBACK = "feedback"
_FILE = re.compile(r"file-[0-9a-f]{24}")
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same pictures make the same bytes, whenever they are packed

Data = str | os.PathLike[str] | bytes | Mapping[str, Iterable[Picture]]


def is_known(data: Data) -> bool:
    """Whether it names what the server has: an upload's id, or `feedback`, all corrections of a model."""
    return isinstance(data, str) and (data == FEEDBACK or _FILE.fullmatch(data) is not None)


def packed(data: Data) -> Upload:
    """One file. A path leads to a zip, a CSV or a JSONL file, which is read while it is sent, or to a folder with one
    for each label; a mapping has the pictures of each label; bytes are a file already.

    Raises OSError where it can't be read, ValueError and TypeError where nothing can be learned from it.
    """
    if isinstance(data, bytes):
        return _upload("data", data)
    if isinstance(data, Mapping):
        return _upload("pictures.zip", _zipped(_of_labels(data)))
    path = Path(data)
    if path.is_dir():
        return _upload(f"{path.resolve().name or 'pictures'}.zip", _zipped(_of_folder(path)))
    path.open("rb").close()  # says now what is wrong with it
    return _upload(path.name, path)


def digest(upload: Upload) -> str:
    """The sha256 of its bytes, in hex."""
    if isinstance(upload.content, bytes):
        return hashlib.sha256(upload.content).hexdigest()
    with upload.content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _upload(name: str, content: bytes | Path) -> Upload:
    return Upload("file", name.encode(errors="replace").decode(), content)


def _of_labels(data: Mapping[str, Iterable[Picture]]) -> Iterator[tuple[str, bytes]]:
    for label, pictures in data.items():
        if not isinstance(label, str) or "/" in label or label in ("", ".", ".."):
            raise ValueError(f"{label!r} can't be a label here. Name labels by texts without a slash, such as '7'.")
        for number, picture in enumerate(pictures):
            yield f"{label}/{number:06}.png", picture_bytes(picture)


def _of_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file():
                yield path.relative_to(folder).as_posix(), path.read_bytes()


def _zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Stored: pictures are compressed already."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, _WHEN), content)
        if not archive.namelist():
            raise ValueError("There is no picture to learn from. Give some for each label.")
    return file.getvalue()
