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


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        pytest.param(csv([[n, *row] for n, row in enumerate(WHOLE.tolist())], ["id", *NAMES]), "labels_missing",
                     "label", id="Kaggle's test.csv"),
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


@pytest.mark.parametrize("name", ["row_id", "idx", "image_id", "Sample", "sample-id", "UUID", "Image Id", "Index"])
def test_a_column_that_names_the_rows_is_no_label(name: str) -> None:
    with pytest.raises(DataSetRejected) as caught:
        rows_of(csv([[n % 3, *row] for n, row in enumerate(WHOLE[FEW].tolist())], [name, *NAMES]))
    assert caught.value.code == "labels_missing"


@pytest.mark.parametrize("rows", [[f"a{n}" for n in range(11)], list(range(40, 51)), [7.5 * n for n in range(11)]])
def test_a_column_of_any_name_that_differs_in_every_row_is_no_label(rows: list[object]) -> None:
    table = [[cell, *row] for cell, row in zip(rows, WHOLE.tolist(), strict=False)]
    with pytest.raises(DataSetRejected) as caught:
        rows_of(csv(table, ["key", *NAMES]))
    assert caught.value.code == "labels_missing"
    assert len(rows_of(csv(table[:10], ["what", *NAMES]))) == 10  # as few may be a label each
    assert len(rows_of(csv(table, ["label", *NAMES]))) == 11  # and so may all whose name says it


def parts(text: str) -> list[str | None]:
    return [row.split if isinstance(row, Row) else row.code for row in rows_of(text.encode())]


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("split", ["train", "holdout", "", "Test"], ["train", "split_unknown", None, "test"]),
        ("Usage", ["Training", "PublicTest", "PrivateTest"], ["train", "validation", "test"]),  # FER2013
        ("split", ["0", "1"], ["split_unknown", "split_unknown"]),
        ("subset", ["fold 1", "test"], ["split_unknown", "test"]),
        ("dataset", ["train", "holdout"], ["train", "split_unknown"]),
        ("data_set", ["mnist", "emnist"], [None, None]),  # names of sources
        ("fold", ["0", "1"], [None, None]),
        ("fold", ["0", "validation"], ["split_unknown", "validation"]),
    ],
)
def test_a_column_of_parts_is_used_or_refused_by_name(name: str, cells: list[str], expected: list[str | None]) -> None:
    rows = "".join(f"{number % 2},{cell},0,255,17,{number}\n" for number, cell in enumerate(cells))
    assert parts(f"label,{name},p0,p1,p2,p3\n{rows}") == expected


def test_a_part_is_found_far_down_a_sorted_table() -> None:
    rows = "7,learn,0,1,2,3\n" * 3_000 + "7,test,0,1,2,3\n" * 100
    assert set(parts(f"label,dataset,p0,p1,p2,p3\n{rows}")) == {"split_unknown", "test"}


@pytest.mark.parametrize("name", ["is_test", "IsTrain", "is validation"])
def test_a_column_that_flags_a_part_is_refused_by_name(name: str) -> None:
    with pytest.raises(DataSetRejected) as caught:
        rows_of(f"label,{name},p0,p1,p2,p3\n7,1,0,1,2,3\n".encode())
    assert caught.value.code == "split_unknown" and name in str(caught.value)
