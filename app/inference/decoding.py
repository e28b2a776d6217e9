"""Decoding on the event loop: only what takes a tenth of a millisecond, digits in MNIST's own format."""

from collections.abc import Sequence

from models_store.errors import ImageRejected
from models_store.pictures.contained import contained
from models_store.pictures.decode import open_picture
from models_store.pictures.formats.png import is_small_and_plain
from models_store.pictures.prepare import Prepared, as_it_is
from models_store.specs import InputSpec

_QUICK = 5  # digits


def untouched(images: Sequence[bytes], spec: InputSpec, max_pixels: int) -> list[Prepared | ImageRejected] | None:
    """What the model sees where all pictures are few, plain and in MNIST's format; None where writing has to be looked
    for, or where a decoder could be kept busy: that is for a child."""
    if not spec.finds_writing or len(images) > _QUICK or not all(map(is_small_and_plain, images)):
        return None
    found: list[Prepared | ImageRejected] = []
    for image in images:
        try:
            with contained(image):
                seen = as_it_is(open_picture(image, max_pixels), spec)
        except ImageRejected as refusal:
            found.append(refusal)
            continue
        if seen is None:
            return None
        found.append(seen)
    return found
