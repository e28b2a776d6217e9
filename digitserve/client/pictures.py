"""Pictures as a program has them, as the bytes of a file."""

import io
import os
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


class Readable(Protocol):
    """A file that is open for reading bytes."""

    def read(self) -> bytes:
        """All of it."""


@runtime_checkable
class PillowImage(Protocol):
    """A picture of Pillow's."""

    def save(self, fp: Any, format: str | None = None) -> None:  # noqa: A002 (Pillow's name)
        """Writes it into a file."""


@runtime_checkable
class ArrayLike(Protocol):
    """A numpy array, or what can be seen as one."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


Picture = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | PillowImage | ArrayLike


def picture_bytes(picture: Picture) -> bytes:
    """The file's content; what is no file yet becomes a PNG.

    An array has the shape (height, width), or (height, width, 3 or 4), and values of 0 to 255 as uint8. Raises OSError
    where a path can't be read, TypeError and ValueError where it is no picture.
    """
    if isinstance(picture, str | os.PathLike):
        return Path(picture).read_bytes()
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    if isinstance(picture, PillowImage):
        return _png(picture)
    if isinstance(picture, ArrayLike):
        return _png(_of_array(picture))
    if hasattr(picture, "read"):
        content = picture.read()
        if isinstance(content, bytes):
            return content
        raise TypeError("The file gives text. Open it for bytes, with open(path, 'rb').")
    raise TypeError(
        f"{type(picture).__name__} is no picture. Give a path, bytes, an open file, a Pillow image or a numpy array."
    )


def _of_array(array: ArrayLike) -> PillowImage:
    shape, kind = array.__array_interface__["shape"], array.__array_interface__["typestr"]
    if kind != "|u1" or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))):
        raise ValueError(
            f"An array of shape {tuple(shape)} and type {kind} is no picture. Give uint8 with values of 0 to 255, of "
            "shape (height, width), or with 3 or 4 colours behind."
        )
    from PIL import Image

    return Image.fromarray(array)


def _png(image: PillowImage) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()
