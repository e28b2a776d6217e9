"""Tables without names: the label is found at one end, or a header is asked for."""

import numpy as np
import pytest

from models_store.datasets.rows import Row
from models_store.errors import DataSetRejected
from tests.unit.models_store.datasets.test_columns import FEW, LABELS, PIXELS, WHOLE, csv, first, last
from tests.unit.models_store.datasets.test_formats import rows_of

ZEROS = np.flatnonzero(LABELS == 0)


def test_black_on_white_has_its_label_found_too() -> None:
    inverted = csv(last((255 - PIXELS * 255 / 16).round().astype(int))[FEW])
    assert [row.label for row in rows_of(inverted) if isinstance(row, Row)] == list(map(str, LABELS[FEW]))


def test_labels_may_be_letters_without_a_header() -> None:
    letters = np.array(list("YBCDEFGHIJ"))[LABELS]  # Y in a data row is no header
    for data in (csv(first(labels=letters)[FEW]), csv(last(labels=letters)[FEW])):
        assert [row.label for row in rows_of(data) if isinstance(row, Row)] == letters[FEW].tolist()


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
        pytest.param(csv([[f"a{n}", *row] for n, row in enumerate(WHOLE[FEW].tolist())]), "labels_missing",
                     "first line", id="names of the rows and no label"),
        pytest.param(csv([[n, *row] for n, row in enumerate(last()[FEW])]), "pixels_wrong_count", "65", id="an index"),
        pytest.param(csv(first(WHOLE[:, :60])[FEW]), "pixels_wrong_count", "60", id="60 pixels"),
        pytest.param(csv(np.hstack([WHOLE, np.eye(10, dtype=int)[LABELS]]).tolist()[FEW], separator=" ", end=" \n"),
                     "labels_missing", "last 10 columns", id="Semeion's own blanks"),
    ],
)  # fmt: skip
def test_what_leaves_it_open_is_refused_with_what_to_do(data: bytes, code: str, words: str) -> None:
    with pytest.raises(DataSetRejected) as caught:
        rows_of(data)
    assert caught.value.code == code and words in str(caught.value)
