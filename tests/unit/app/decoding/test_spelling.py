"""What children find comes back the same; what a broken codec might write in its place is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.decoding import spelling
from app.decoding.wire import Frame, Garbled, frame, packed
from models_store import records
from models_store.datasets.clean import count
from models_store.datasets.passed_over import PassedOver
from models_store.datasets.rows import Item, Row, TableRead
from models_store.pictures.many.page import DigitCandidate, PreparedPage
from models_store.pictures.marks import BoundingBox
from models_store.pictures.prepare import Prepared
from models_store.pictures.stripped import Stripped
from models_store.pictures.warnings import PictureWarning
from models_store.specs import InputSpec
from tests.support.pictures import png
from tests.unit.models_store.datasets.test_clean import unit

SPEC = InputSpec()
COLOUR = InputSpec(channels=3, height=9, width=8, mean=(0.5,) * 3, std=(0.2,) * 3, preparation="picture")
RNG = np.random.default_rng(3)
PREPARED = Prepared(RNG.integers(0, 256, (1, 28, 28), np.uint8), (PictureWarning.LOW_CONTRAST,))
PAGE = PreparedPage(
    300, 200, RNG.integers(0, 256, (3, 1, 28, 28), np.uint8),
    (DigitCandidate(BoundingBox(1, 2, 3, 4), True, (1, 2)), DigitCandidate(BoundingBox(0, 0, 9, 9)),
     DigitCandidate(BoundingBox(5, 6, 7, 8))),
    1, (PictureWarning.TOO_MANY_MARKS,),
)  # fmt: skip
STRIPPED = Stripped(b"a picture", b"small", 30, 40, "0a" * 32)


def sent(message: Frame) -> Frame:
    """As it arrives."""
    raw = packed(message)
    return frame(raw[8:], bytearray(message.data))


@pytest.mark.parametrize("spec", [SPEC, COLOUR])
def test_what_a_version_takes(spec: InputSpec) -> None:
    assert spelling.spec_of(json.loads(json.dumps(spelling.of_spec(spec)))) == spec


def test_what_a_model_sees() -> None:
    colours = Prepared(RNG.integers(0, 256, (9, 8, 3), np.uint8).transpose(2, 0, 1))  # its bytes lie otherwise
    for prepared, spec in ((PREPARED, SPEC), (colours, COLOUR)):
        back = spelling.prepared_of(sent(spelling.of_prepared(prepared)), spec)
        assert np.array_equal(back.pixels, prepared.pixels) and back.warnings == prepared.warnings
        assert all(isinstance(warning, PictureWarning) for warning in back.warnings)


@pytest.mark.parametrize("page", [PAGE, PreparedPage(3, 2, np.empty((0, 1, 28, 28), np.uint8), (), 0, ())])
def test_a_page(page: PreparedPage) -> None:
    back = spelling.page_of(sent(spelling.of_page(page)), SPEC)
    assert np.array_equal(back.pixels, page.pixels)
    assert replace(back, pixels=page.pixels) == page


def test_a_picture_to_keep() -> None:
    assert spelling.stripped_of(sent(spelling.of_stripped(STRIPPED, True))) == (STRIPPED, True)


def test_a_report() -> None:
    rows: list[Item] = [
        TableRead("column 1", "0..255"), PassedOver("notes.txt", "no_picture"), Row("a", "7", png(unit(1)), "train"),
        Row("b", "1", png(unit(1)), "test"), Row("c", "1", b"rubbish"), Row("d", "1", png(unit(2))),
    ]  # fmt: skip
    report = count(rows, SPEC)
    assert report.examples and report.passed_over and report.per_split
    assert spelling.report_of(json.loads(json.dumps(records.plain(report)))) == report


def _of_page(**changes: Any) -> Callable[[], object]:
    message = spelling.of_page(PAGE)
    return lambda: spelling.page_of(sent(Frame({**message.header, **changes}, message.data)), SPEC)


@pytest.mark.parametrize(
    "read",
    [
        lambda: spelling.prepared_of(Frame({"warnings": []}, bytes(783)), SPEC),
        lambda: spelling.prepared_of(Frame({"warnings": ["odd"]}, bytes(784)), SPEC),
        lambda: spelling.prepared_of(Frame({"warnings": 7}, bytes(784)), SPEC),
        lambda: spelling.prepared_of(Frame({}, bytes(784)), SPEC),
        _of_page(wholes=4),
        _of_page(wholes=True),
        _of_page(width=-1),
        _of_page(width="7"),
        _of_page(candidates=[[1, 2, 3, 4, False, []]]),
        _of_page(candidates=[[1, 2, 3, 4, False, [3]]] * 3),
        _of_page(candidates=[[1, 2, 3, 1e9, False, []]] * 3),
        _of_page(candidates=7),
        lambda: spelling.stripped_of(Frame({**spelling.of_stripped(STRIPPED, True).header, "png": 99}, b"short")),
        lambda: spelling.stripped_of(Frame({**spelling.of_stripped(STRIPPED, True).header, "sha256": "/x"}, b"a" * 9)),
        lambda: spelling.report_of({"rows": "many"}),
        lambda: spelling.report_of(None),
    ],
)  # fmt: skip
def test_what_is_none_of_them_is_refused(read: Callable[[], object]) -> None:
    with pytest.raises(Garbled):
        read()
