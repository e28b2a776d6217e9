"""scikit-learn's digits as CSV in the layouts that programs write: the label is found, or a header is asked for."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from models_store.datasets.clean import count
from models_store.datasets.formats import read
from models_store.datasets.rows import Refused, Row, TableRead
from models_store.errors import DataSetRejected
from models_store.specs import InputSpec
from tests.unit.models_store.datasets.test_formats import rows_of, told_of

PIXELS, LABELS = load_digits(return_X_y=True)
WHOLE, LABEL = PIXELS.astype(int), LABELS[:, None]
NAMES = [f"pixel{number}" for number in range(64)]
FEW = slice(0, 300)


def csv(rows: Sequence[Sequence[object]], header: Sequence[str] = (), separator: str = ",", end: str = "\n") -> bytes:
    lines = ([separator.join(header)] if header else []) + [separator.join(map(str, row)) for row in rows]
    return end.join([*lines, ""]).encode()


def last(pixels: NDArray[Any] = WHOLE, labels: NDArray[Any] = LABELS) -> list[list[object]]:
    return [[*row, label] for row, label in zip(pixels.tolist(), labels.tolist(), strict=True)]


def first(pixels: NDArray[Any] = WHOLE, labels: NDArray[Any] = LABELS) -> list[list[object]]:
    return [[label, *row] for row, label in zip(pixels.tolist(), labels.tolist(), strict=True)]


def check(data: bytes, part: slice, column: str, scale: str) -> None:
    """Every row is read, with its label, its pixels, and what was told of the table."""
    (told,) = told_of(data)
    assert isinstance(told, TableRead)
    assert told.label_column.startswith(f"column {column}") and told.scale == scale
    rows = rows_of(data)
    assert not [row for row in rows if isinstance(row, Refused)]
    assert [row.label for row in rows if isinstance(row, Row)] == list(map(str, LABELS[part]))
    pictures = [np.asarray(Image.open(io.BytesIO(row.data))) for row in rows if isinstance(row, Row)]
    assert np.abs(np.stack(pictures).reshape(-1, 64) / 255 - PIXELS[part] / 16).max() <= 1 / 255


@pytest.mark.parametrize(
    ("data", "column", "scale"),
    [
        pytest.param(csv(first(), ["label", *NAMES]), "1, called label", "0..16", id="Kaggle"),
        pytest.param(csv(last()), "65, the last", "0..16", id="UCI"),
        pytest.param(csv(last(PIXELS / 16), [*NAMES, "label"]), "65, called label", "0..1", id="floats"),
    ],
)
def test_all_digits_in_three_layouts(data: bytes, column: str, scale: str) -> None:
    check(data, slice(None), column, scale)


def test_none_of_all_digits_is_refused() -> None:
    """Of every layout the pictures are the same, as the test above shows."""
    report = count(read(csv(last())), InputSpec())
    assert (report.rows, report.refused, report.kept + report.duplicates) == (1797, {}, 1797)
    assert report.per_label.keys() == set("0123456789")


@pytest.mark.parametrize(
    ("data", "column", "scale"),
    [
        pytest.param(csv(first()[FEW]), "1, the first", "0..16", id="label first"),
        pytest.param(csv(last(PIXELS / 16)[FEW]), "65, the last", "0..1", id="floats without a header"),
        pytest.param(csv(first(PIXELS / 16)[FEW]), "1, the first", "0..1", id="floats, label first"),
        pytest.param(csv(last((PIXELS * 255 / 16).round().astype(int))[FEW]), "65, the last", "0..255", id="bytes"),
        pytest.param(csv(last()[FEW], [str(n) for n in range(65)]), "65, the last", "0..16", id="a header of numbers"),
        pytest.param(csv(last()[FEW], separator="\t"), "65, the last", "0..16", id="tabs"),
        pytest.param(csv(last()[FEW], [*NAMES, "Class"], ";", "\r\n\r\n"), "65, called Class", "0..16", id=";"),
        pytest.param(b"\xef\xbb\xbf" + csv(first()[FEW], ["Y", *NAMES]), "1, called Y", "0..16", id="BOM"),
        pytest.param(csv([[n, *row] for n, row in enumerate(last()[FEW])], ["", *NAMES, "target"]), "66", "0..16",
                     id="an index"),
        pytest.param(csv([[f"{v:.18e}" for v in row] for row in np.hstack([PIXELS, LABEL])[FEW]]), "65, the last",
                     "0..16", id="numpy.savetxt"),
        pytest.param(csv([[str(v).replace(".", ",") for v in row] for row in last(PIXELS / 16)[FEW]], [*NAMES, "digit"],
                         ";"), "65, called digit", "0..1", id="decimal commas"),
        pytest.param(csv([[f'"{v}"' for v in row] for row in first()[FEW]], ['"label"', *NAMES]), "1", "0..16",
                     id="quoted"),
        pytest.param(csv(last(WHOLE[:, np.argsort(NAMES)])[FEW], [*sorted(NAMES), "label"]), "65", "0..16",
                     id="pixel10 before pixel2"),
    ],
)  # fmt: skip
def test_other_programs_layouts(data: bytes, column: str, scale: str) -> None:
    check(data, FEW, column, scale)


def test_black_on_white_has_its_label_found_too() -> None:
    inverted = csv(last((255 - PIXELS * 255 / 16).round().astype(int))[FEW])
    assert [row.label for row in rows_of(inverted) if isinstance(row, Row)] == list(map(str, LABELS[FEW]))


def test_labels_may_be_letters_without_a_header() -> None:
    letters = np.array(list("YBCDEFGHIJ"))[LABELS]  # Y in a data row is no header
    for data in (csv(first(labels=letters)[FEW]), csv(last(labels=letters)[FEW])):
        assert [row.label for row in rows_of(data) if isinstance(row, Row)] == letters[FEW].tolist()


ZEROS = np.flatnonzero(LABELS == 0)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        pytest.param(csv(last(WHOLE[ZEROS], LABELS[ZEROS])), "labels_missing", "first or the last", id="zeros alone"),
        pytest.param(csv(np.hstack([WHOLE, np.eye(10, dtype=int)[LABELS]]).tolist()[FEW]), "labels_missing",
                     "last 10 columns", id="one-hot, as Semeion has it"),
        pytest.param(csv([[f"{n:.4f}" for n in row] for row in np.hstack([WHOLE, np.eye(10)[LABELS]])[FEW]]),
                     "labels_missing", "last 10 columns", id="one-hot as floats"),
        pytest.param(csv(WHOLE[FEW].tolist()), "labels_missing", "first line", id="no label"),
        pytest.param(csv([[n, *row] for n, row in enumerate(WHOLE.tolist())]), "labels_missing", "first line",
                     id="an index and no label"),
        pytest.param(csv([[n, *row] for n, row in enumerate(WHOLE.tolist())], ["id", *NAMES]), "labels_missing",
                     "label", id="Kaggle's test.csv"),
        pytest.param(csv([[n, *row] for n, row in enumerate(last()[FEW])]), "pixels_wrong_count", "65", id="an index"),
        pytest.param(csv(first(WHOLE[:, :60])[FEW]), "pixels_wrong_count", "60", id="60 pixels"),
        pytest.param(csv(first(WHOLE[:, :60])[FEW], ["label", *NAMES[:60]]), "pixels_wrong_count", "60", id="named"),
    ],
)  # fmt: skip
def test_what_leaves_it_open_is_refused_with_what_to_do(data: bytes, code: str, words: str) -> None:
    with pytest.raises(DataSetRejected) as caught:
        rows_of(data)
    assert caught.value.code == code and words in str(caught.value)


def test_boxes_beside_a_file_are_no_pixels() -> None:
    told = told_of(b"filename,label,x1,y1,x2,y2\na.png,7,0,0,9,9\n")
    assert told == [TableRead("column 2, called label", None)]
