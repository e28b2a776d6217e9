"""Decoding in this process: only digits in MNIST's own format, which take some hundredths of a millisecond each."""

from collections.abc import Sequence

from models_store.errors import ImageRejected
from models_store.pictures.contained import contained
from models_store.pictures.decode import open_picture
from models_store.pictures.formats.png import is_small_and_plain
from models_store.pictures.prepare import Prepared, as_it_is, in_mnists_format
from models_store.pictures.unit import SIDE, unit_of
from models_store.specs import InputSpec

QUICK = 5  # digits that are decoded on the event loop

Found = list[Prepared | ImageRejected | None]


def untouched(images: Sequence[bytes], spec: InputSpec, max_pixels: int) -> Found:
    """What the model sees of each picture in MNIST's format. None where writing has to be looked for, or where a
    decoder could be kept busy: that is for a child.
    """
    if not spec.finds_writing:
        return [None] * len(images)
    is_unit = spec.width == spec.height == SIDE
    return [_untouched(image, spec, is_unit, max_pixels) for image in images]


def _untouched(image: bytes, spec: InputSpec, is_unit: bool, max_pixels: int) -> Prepared | ImageRejected | None:
    grey = unit_of(image) if is_unit else None
    if grey is not None and max_pixels >= grey.size:
        return in_mnists_format(grey)
    if not is_small_and_plain(image):
        return None
    try:
        with contained(image):
            return as_it_is(open_picture(image, max_pixels), spec)
    except ImageRejected as refusal:
        return refusal
