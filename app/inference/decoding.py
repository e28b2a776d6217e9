"""Decoding for the engine: what is quick enough for the event loop, and what a thread does."""

from collections.abc import Iterator, Sequence

from PIL.Image import Image

from models_store.errors import ImageRejected
from models_store.pictures.decode import open_picture
from models_store.pictures.many.page import PreparedPage, page_of
from models_store.pictures.prepare import Prepared, as_it_is, prepare_opened
from models_store.specs import InputSpec

_HANDFUL_BYTES = 16_384
_QUICK = 5  # digits in MNIST's format, of 0.1 ms each


def untouched(images: Sequence[bytes], spec: InputSpec, max_pixels: int) -> list[Prepared | ImageRejected] | None:
    """What the model sees where all pictures are few and in MNIST's format; None where writing has to be looked for,
    which takes some milliseconds each."""
    if not spec.finds_writing or len(images) > _QUICK or sum(map(len, images)) > _HANDFUL_BYTES:
        return None
    found: list[Prepared | ImageRejected] = []
    for image in images:
        opened = _opened(image, max_pixels)
        try:
            seen = opened if isinstance(opened, ImageRejected) else as_it_is(opened, spec)
        except ImageRejected as refusal:
            seen = refusal
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
        opened = _opened(image, max_pixels)
        pixels += opened.width * opened.height if isinstance(opened, Image) else 0
        prepared.append(_prepared(opened, spec))
    return prepared, pixels


def page(image: bytes, spec: InputSpec, max_pixels: int) -> PreparedPage:
    """The digits of a page. Raises ImageRejected."""
    return page_of(open_picture(image, max_pixels), spec)


def _opened(image: bytes, max_pixels: int) -> Image | ImageRejected:
    try:
        return open_picture(image, max_pixels)
    except ImageRejected as refusal:
        return refusal


def _prepared(image: Image | ImageRejected, spec: InputSpec) -> Prepared | ImageRejected:
    try:
        return image if isinstance(image, ImageRejected) else prepare_opened(image, spec)
    except ImageRejected as refusal:
        return refusal
