"""What children find, as frames and back. What comes back is checked: a broken codec may have written it."""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from app.decoding.wire import Frame, Garbled
from models_store import records
from models_store.datasets.clean import CleaningReport
from models_store.errors import RecordRejected
from models_store.pictures.decode import Pixels
from models_store.pictures.many.page import DigitCandidate, PreparedPage
from models_store.pictures.marks import BoundingBox
from models_store.pictures.prepare import Prepared
from models_store.pictures.stripped import Stripped
from models_store.pictures.warnings import PictureWarning
from models_store.specs import InputSpec

Found = TypeVar("Found")
_WRONG = (LookupError, ValueError, TypeError, AttributeError, RecordRejected)


@lru_cache(16)
def of_spec(spec: InputSpec) -> dict[str, Any]:
    """What a version takes, for a header. It is shared: change nothing in it."""
    return records.plain(spec)


def spec_of(plain: object) -> InputSpec:
    """What `of_spec` wrote. Raises RecordRejected."""
    return records.read(InputSpec, plain)


def of_prepared(prepared: Prepared) -> Frame:
    """What a model sees of a picture."""
    return Frame({"warnings": prepared.warnings}, _raw(prepared.pixels))


def prepared_of(frame: Frame, spec: InputSpec) -> Prepared:
    """What `of_prepared` wrote for a version that takes `spec`. Raises Garbled."""
    return _whole(lambda: Prepared(_pixels(frame.data, spec.shape), _warnings(frame.header["warnings"])))


def of_page(page: PreparedPage) -> Frame:
    """A page with its candidates."""
    candidates = [
        (c.box.top, c.box.left, c.box.bottom, c.box.right, c.touching, c.parts) for c in page.candidates
    ]  # fmt: skip
    facts = {"width": page.width, "height": page.height, "wholes": page.wholes, "warnings": page.warnings}
    return Frame({**facts, "candidates": candidates}, _raw(page.pixels))


def page_of(frame: Frame, spec: InputSpec) -> PreparedPage:
    """What `of_page` wrote for a version that takes `spec`. Raises Garbled."""

    def read() -> PreparedPage:
        said = frame.header
        candidates = tuple(_candidate(*one, count=len(said["candidates"])) for one in said["candidates"])
        wholes = _number(said["wholes"], len(candidates))
        pixels = _pixels(frame.data, (len(candidates), *spec.shape))
        size = _number(said["width"]), _number(said["height"])
        return PreparedPage(*size, pixels, candidates, wholes, _warnings(said["warnings"]))

    return _whole(read)


def of_stripped(stripped: Stripped, is_blank: bool) -> Frame:
    """A picture to keep, and whether nothing is on it."""
    facts = {"width": stripped.width, "height": stripped.height, "sha256": stripped.sha256, "blank": is_blank}
    return Frame({**facts, "png": len(stripped.png)}, stripped.png + stripped.thumbnail)


def stripped_of(frame: Frame) -> tuple[Stripped, bool]:
    """What `of_stripped` wrote. Raises Garbled."""

    def read() -> tuple[Stripped, bool]:
        said, data = frame.header, bytes(frame.data)
        cut = _number(said["png"], len(data))
        int(said["sha256"], 16)
        kept = Stripped(data[:cut], data[cut:], _number(said["width"]), _number(said["height"]), said["sha256"])
        return kept, said["blank"] is True

    return _whole(read)


def report_of(plain: object) -> CleaningReport:
    """The report on a data set, from what `records.plain` made of one. Raises Garbled."""
    return _whole(lambda: records.read(CleaningReport, plain))


def _whole(read: Callable[[], Found]) -> Found:
    try:
        return read()
    except _WRONG as error:
        raise Garbled(f"the answer can't be read: {type(error).__name__}") from None


def _raw(pixels: Pixels) -> bytes:
    return pixels.tobytes()


def _pixels(data: bytes | bytearray | memoryview, shape: tuple[int, ...]) -> Pixels:
    if len(data) != math.prod(shape):
        raise ValueError("so many pixels were not asked for")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _warnings(said: Iterable[str]) -> tuple[PictureWarning, ...]:
    return tuple(map(PictureWarning, said))


def _candidate(
    top: int, left: int, bottom: int, right: int, touching: bool, parts: Iterable[int], *, count: int
) -> DigitCandidate:
    box = BoundingBox(*map(_number, (top, left, bottom, right)))
    return DigitCandidate(box, touching is True, tuple(_number(part, count - 1) for part in parts))


def _number(said: object, most: int = 2**31) -> int:
    if type(said) is not int or not 0 <= said <= most:
        raise ValueError("no such number")
    return said
