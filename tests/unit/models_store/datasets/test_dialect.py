"""How people's programs write tables: separators, and what stands before the first line."""

import io
from pathlib import Path

import numpy as np
import pytest

from models_store.datasets.dialect import Dialect, dialect
from models_store.datasets.rows import Row
from models_store.errors import DataSetRejected
from tests.unit.models_store.datasets.test_columns import FEW, LABEL, LABELS, WHOLE, csv, last
from tests.unit.models_store.datasets.test_formats import rows_of

TABLE = np.hstack([WHOLE, LABEL])[FEW]


def saved(**asked: str) -> bytes:
    file = io.BytesIO()
    np.savetxt(file, TABLE, **asked)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(saved(), id="numpy's blanks"),
        pytest.param(saved(fmt="%3d", header="digits of UCI, all\n2 of 2"), id="aligned, below comments"),
        pytest.param(saved(delimiter=",", header=",".join([*(f"p{n}" for n in range(64)), "label"])), id="# names"),
        pytest.param(csv(last()[FEW], separator="|"), id="|"),
        pytest.param(csv(last()[FEW], separator=" ", end=" \r\n"), id="a blank at the end"),
        pytest.param(b"sep=;\r\n" + csv(last()[FEW], separator=";"), id="Excel's sep"),
        pytest.param(b'\xef\xbb\xbf"sep=|"\n\n# no, names\n' + csv(last()[FEW], separator="|"), id="all of it"),
        pytest.param(b"# 300 digits\n" + csv(last()[FEW]), id="a comment"),
        pytest.param(csv(last()[FEW], [*(f"p{n}" for n in range(64)), "label"], " "), id="names between blanks"),
    ],
)
def test_tables_of_numbers_however_they_are_separated(data: bytes) -> None:
    rows = rows_of(data)
    assert [row.label if isinstance(row, Row) else row for row in rows] == list(map(str, LABELS[FEW]))


def test_lines_are_counted_from_the_file_s_first() -> None:
    (row,) = rows_of(b"# made by hand\n\nlabel,p0,p1,p2,p3\n7,0,1,2,3\n")
    assert row.where == "line 4"


def test_a_label_may_look_like_a_comment() -> None:
    rows = rows_of(b"label,p0,p1,p2,p3\n#,0,1,2,3\n")
    assert [row.label for row in rows if isinstance(row, Row)] == ["#"]
    assert dialect(b"#,0,1,2,3\n#,0,1,2,3\n7,0,1,2,3\n") == Dialect(",", 0)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"a,b;c;d\n", Dialect(";", 0)),
        (b"my file,the label\n", Dialect(",", 0)),
        (b"# one, two\n\nfile\tlabel\n", Dialect("\t", 2)),
        (b"sep=x\na;b\n", Dialect(";", 1)),
        (b"1 2 3 4 5\n", Dialect(" ", 0)),
        *((prose, None) for prose in (b"", b"\n \n", b"plain", b"1 2 3", b"It is 5 or 6 or 7", b"\0,\0\n", b"\xff,a")),
        (b"sep=;\n", None),
        (b"# nothing", None),
    ],
)
def test_what_a_file_begins_with(head: bytes, expected: Dialect | None) -> None:
    assert dialect(head) == expected


@pytest.mark.parametrize("text", ["file label\na.png 7\n", "file:label\na.png:7\n", "label\n7\n"])
def test_another_separator_is_told_to_be_a_comma(text: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataSetRejected) as caught:
        rows_of(path)
    assert caught.value.code == "columns_missing" and "commas" in str(caught.value)
