"""CSV tables as spreadsheets, Kaggle and attackers write them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models_store.datasets.rows import Refused, Row
from models_store.errors import DataSetRejected
from models_store.pictures.prepare import prepare
from models_store.specs import InputSpec
from tests.unit.models_store.datasets.test_formats import rows_of


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder with pictures for a table; one lies outside of the table's own folder."""
    (tmp_path / "outside.png").write_bytes(b"secret")
    here = tmp_path / "here"
    (here / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.png", "c, d.png", "ä.png"):
        (here / name).write_bytes(name.encode())
    (here / "link.png").symlink_to(here.parent / "outside.png")
    return here


def table(beside: Path, text: str | bytes, suffix: str = ".csv") -> list[Row | Refused]:
    path = beside / f"table{suffix}"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return rows_of(path)


A, B = Row("line 2", "7", b"a.png"), Row("line 3", "1", b"sub/b.png")


@pytest.mark.parametrize("file", ["file", "path", "image", "filename", "name", " File ", "IMAGE"])
@pytest.mark.parametrize("label", ["label", "class", "digit", "Label"])
def test_columns_are_found_by_their_names(beside: Path, file: str, label: str) -> None:
    assert table(beside, f"{file},{label}\na.png,7\nsub/b.png,1\n") == [A, B]
    assert table(beside, f"size,{label},{file}\n9,7,a.png\n8,1,sub/b.png\n") == [A, B]


def test_a_column_names_the_part_of_each_row(beside: Path) -> None:
    text = "split,label,file\nTrain,7,a.png\ntest,1,sub/b.png\n,7,a.png\nholdout,7,a.png\n"
    *rows, refused = table(beside, text)
    assert [row.split for row in rows if isinstance(row, Row)] == ["train", "test", None]
    assert refused == Refused("line 5", "split_unknown", '"holdout" is no part: write train, validation or test.')


def parted(beside: Path, header: str, lines: list[str]) -> list[str | None]:
    for line in lines:
        path = beside / line.split(",")[0].replace("\\", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    rows = table(beside, "\n".join([header, *lines, ""]))
    return [row.split if isinstance(row, Row) else row.code for row in rows]


def test_without_a_column_the_folders_name_the_part(beside: Path) -> None:
    lines = ["train/0.png,7", "data/Testing/1.png,7", "val\\2.png,1", "train/test/3.png,1"]
    assert parted(beside, "file,label", lines) == ["train", "test", "validation", "split_unknown"]


def test_a_row_that_says_its_part_is_believed_before_its_folder(beside: Path) -> None:
    lines = ["test/0.png,7,train", "test/1.png,1,", "2.png,1,"]
    assert parted(beside, "file,label,split", lines) == ["train", "test", None]
    assert parted(beside, "file,label,dataset", ["test/0.png,7,mnist", "train/1.png,1,own"]) == ["test", "train"]


def test_files_in_a_part_and_others_in_none_are_refused_by_name(beside: Path) -> None:
    with pytest.raises(DataSetRejected) as caught:
        parted(beside, "file,label", ["train/0.png,7", "holdout/1.png,7"])
    assert caught.value.code == "layout_unclear"
    assert "train/0.png" in str(caught.value) and "holdout/1.png" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "\ufefffile,label\na.png,7\nsub/b.png,1\n",
        "file,label\r\na.png,7\r\nsub/b.png,1\r\n",
        "file,label\ra.png,7\rsub/b.png,1\r",
        "file,label\na.png,7\nsub/b.png,1",
        "file;label\na.png;7\nsub/b.png;1\n",
        "file\tlabel\na.png\t7\nsub/b.png\t1\n",
        '"file","label"\n"a.png","7"\n"sub/b.png","1"\n',
        "file,label\n ./a.png , 7 \nsub//./b.png,1\u00a0\n",
        "file,label\na.png,7\nsub\\b.png,1\n",
        "file,label,,\na.png,7,,\nsub/b.png,1,,\n",
        "file,label\na.png,7,\nsub/b.png,1,,,\n",
        'file,label\na.png,"7"\nsub/b.png,"1\r\n"\n',
        "file,label\na.png,7\nsub/b.png,1\n\n,\n,,,\n",
    ],
)
def test_every_spelling_of_one_table(beside: Path, text: str) -> None:
    assert table(beside, text) == table(beside, text, ".CSV") == [A, B]


def test_lines_are_counted_as_an_editor_does(beside: Path) -> None:
    text = '\n\nfile,label\n\na.png,"7\n\n"\nsub/b.png,1\n"c, d.png","8"\n'
    assert [row.where for row in table(beside, text)] == ["line 5", "line 8", "line 9"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        *(
            (path, "path_outside")
            for path in ("../outside.png", "sub/../../outside.png", "..\\outside.png", "link.png")
        ),
        *(
            (path, "path_outside")
            for path in ("/etc/passwd", "//host/x.png", "C:\\x.png", "C:x.png", "\\\\host\\x\\y.png")
        ),
        *((path, "file_missing") for path in ("none.png", "http://x/a.png", "a.png/x", '"a\n.png"', "a\0.png", '""')),
        *((path, "file_unreadable") for path in ("sub", ".", "x" * 300)),
        ('"a.png', "row_malformed"),
        ('"a.png"x', "row_malformed"),
        ("c, d.png", "row_malformed"),  # a comma that is not quoted would take a part of the name for the label
    ],
)
def test_a_bad_path_refuses_its_row_only(beside: Path, line: str, code: str) -> None:
    rows = table(beside, f"file,label\na.png,7\n{line},1\n")
    assert rows[0] == A
    assert [(row.where, row.code) for row in rows[1:] if isinstance(row, Refused)] == [("line 3", code)]
    assert "secret" not in repr(rows) and str(beside) not in repr(rows)


@pytest.mark.parametrize(
    ("label", "code"),
    [
        *(("", "label_missing"), ("   ", "label_missing"), ("\u00a0", "label_missing")),
        *(
            ("7" * 65, "label_invalid"),
            ("9" * 10_000, "label_invalid"),
            ("a\0b", "label_invalid"),
            ("a\tb", "label_invalid"),
        ),
        *(
            ("\u202e7", "label_invalid"),
            ("7\u200b", "label_invalid"),
            ('"a\nb"', "label_invalid"),
            ("7,8", "row_malformed"),
        ),
    ],
)
def test_a_bad_label_refuses_its_row_only(beside: Path, label: str, code: str) -> None:
    rows = table(beside, f"file,label\na.png,{label}\nsub/b.png,1\n")
    assert [(row.where, row.code) for row in rows if isinstance(row, Refused)] == [("line 2", code)]
    assert [(row.label, row.data) for row in rows if isinstance(row, Row)] == [("1", b"sub/b.png")]


def test_bytes_that_are_no_utf8_refuse_their_row_only(beside: Path) -> None:
    rows = table(beside, b"file,label\n\xe4.png,1\n\xc3\xa4.png,2\na.png,\xff\n\xed\xa0\x80,1\nsub/b.png,3\n")
    assert [row.code for row in rows if isinstance(row, Refused)] == ["not_utf8"] * 3
    assert [(row.where, row.label) for row in rows if isinstance(row, Row)] == [("line 3", "2"), ("line 6", "3")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a.png,7\nb.png,1\n", "labels_missing"),
        ("file,size\na.png,7\n", "labels_missing"),
        ("pixel0,pixel1,pixel2,pixel3\n0,0,0,0\n", "labels_missing"),  # Kaggle's test.csv
        ("0,0,0,0\n", "labels_missing"),
        ("label,size\n7,1\n", "columns_missing"),
        ("label\n7\n", "columns_missing"),
        ("label,pixel0,pixel1,pixel2,pixel3,pixel4\n7,1,2,3,4,5\n", "pixels_wrong_count"),
        ("file,label\na.png,\n", "labels_missing"),
        *(("", "data_empty"), ("\n \n", "data_empty"), ("file,label\n", "data_empty"), ("\ufeff", "data_empty")),
        (b"\xff\xfef\0i\0l\0e\0", "not_utf8"),  # UTF-16, as Excel's "Unicode text" is
        ('"file,label\n', "row_malformed"),
        ("label" + ",p" * 300_000 + "\n7" + ",0" * 300_000, "pixels_wrong_count"),
    ],
)
def test_a_table_that_cannot_be_used(beside: Path, text: str | bytes, code: str) -> None:
    with pytest.raises(DataSetRejected) as caught:
        table(beside, text)
    assert caught.value.code == code and str(caught.value).endswith(".")


def grey(row: Row | Refused) -> list[list[int]]:
    assert isinstance(row, Row)
    image = Image.open(io.BytesIO(row.data))
    assert (image.format, image.mode) == ("PNG", "L")
    return np.asarray(image).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "text",
    [
        "label,pixel0,pixel1,pixel2,pixel3\n7,0,255,17,4\n",
        "label,1x1,1x2,2x1,2x2\n7,0,255,17,4\n",
        "pixel1,pixel2,pixel3,pixel4,class\n0,255,17,4,7\n",  # OpenML
        ",label,pixel0,pixel1,pixel2,pixel3\n0,7,0,255,17,4\n",  # pandas writes its index
        "label;pixel0;pixel1;pixel2;pixel3\r\n7;0;255;17;4\r\n",
        "0,1,2,3,label\n0,255,17,4,7\n",
        "label,pixel3,pixel1,pixel2,pixel0\n7,4,255,17,0\n",  # sorted as texts, or not at all
        "pixel_0_0,pixel_0_1,pixel_1_0,pixel_1_1,target\n0,255,17,4,7\n",  # scikit-learn's names
        "id,y,a0,a1,a2,a3\n900,7,0,255,17,4\n",
        "p1,p2,p3,p4,what\n0,255,17,4,7\n",  # one column that is no pixel
        "label,p1,p2,p3,p4\n7.000e+00,0.0,255.0,17.0,4.0\n",  # as a program of floats writes it
    ],
)
def test_pixels_in_a_table_become_a_grey_picture(text: str) -> None:
    (row,) = rows_of(text.encode())
    assert isinstance(row, Row) and row.label == "7"
    assert grey(row) == [[0, 255], [17, 4]]


def test_mnist_in_a_table_passes_unchanged(rng: np.random.Generator) -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 10:16] = rng.integers(0, 256, (20, 6))
    (row,) = rows_of(f"3,{','.join(map(str, pixels.ravel()))}\n".encode())
    assert isinstance(row, Row)
    assert np.array_equal(prepare(row.data, InputSpec()).pixels[0], pixels)


@pytest.mark.parametrize("pixel", ["-1", "256", "1;5", "", "x", "nan", "9" * 10_000, "inf"])
@pytest.mark.parametrize("header", ["label,pixel0,pixel1,pixel2,pixel3\n", "1,0,0,9,9\n"])
def test_bad_pixels_refuse_their_row_only(header: str, pixel: str) -> None:
    rows = rows_of(f"{header}5,0,{pixel},0,0\n6,1,2,3,4\n7,0,0,0\n8,0,0,0,0,0\n,0,0,0,0\n".encode())
    assert [(row.where, row.code) for row in rows if isinstance(row, Refused)] == [
        ("line 2", "pixel_invalid"), ("line 4", "pixels_wrong_count"), ("line 5", "pixels_wrong_count"),
        ("line 6", "label_missing"),
    ]  # fmt: skip
    assert [row.label for row in rows if isinstance(row, Row)][-1] == "6"
