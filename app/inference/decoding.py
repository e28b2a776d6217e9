"""Decoding for the engine: what is quick enough for the event loop, and what a thread does."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from PIL.Image import Image

from models_store.errors import ImageRejected
from models_store.pictures.contained import contained
from models_store.pictures.decode import open_picture
from models_store.pictures.many.page import PreparedPage, page_of
from models_store.pictures.prepare import Prepared, as_it_is, prepare_opened
from models_store.specs import InputSpec

Found = TypeVar("Found")

_HANDFUL_BYTES = 16_384
_QUICK = 5  # digits in MNIST's format, of 0.1 ms each


def untouched(images: Sequence[bytes], spec: InputSpec, max_pixels: int) -> list[Prepared | ImageRejected] | None:
    """What the model sees where all pictures are few and in MNIST's format; None where writing has to be looked for,
    which takes some milliseconds each."""
    if not spec.finds_writing or len(images) > _QUICK or sum(map(len, images)) > _HANDFUL_BYTES:
        return None
    found: list[Prepared | ImageRejected] = []
    for image in images:
        seen, _ = _seen(image, max_pixels, lambda opened: as_it_is(opened, spec))
        if seen is None:
            return None
        found.append(seen)
    return found


def handfuls(images: Sequence[bytes]) -> Iterator[list[bytes]]:
    """The pictures in order, so many at a time that together they have about 16 KiB."""
    handful: list[bytes] = []
    for image in images:
        handful.append(image)
        if sum(map(len, handful)) >= _HANDFUL_BYTES:
            yield handful
            handful = []
    if handful:
        yield handful


def read(images: list[bytes], spec: InputSpec, max_pixels: int) -> tuple[list[Prepared | ImageRejected], int]:
    """What the model sees of each picture, and how many pixels they had. Holds one decoded picture at a time."""
    prepared: list[Prepared | ImageRejected] = []
    pixels = 0
    for image in images:
        seen, count = _seen(image, max_pixels, lambda opened: prepare_opened(opened, spec))
        prepared.append(seen)
        pixels += count
    return prepared, pixels


def page(image: bytes, spec: InputSpec, max_pixels: int) -> PreparedPage:
    """The digits of a page. Raises ImageRejected."""
    with contained(image):
        return page_of(open_picture(image, max_pixels), spec)


def _seen(image: bytes, max_pixels: int, way: Callable[[Image], Found]) -> tuple[Found | ImageRejected, int]:
    """What one picture comes to by `way`, or its refusal; and how many pixels its header tells of."""
    pixels = 0
    try:
        with contained(image):
            opened = open_picture(image, max_pixels)
            pixels = opened.width * opened.height
            return way(opened), pixels
    except ImageRejected as refusal:
        return refusal, pixels
