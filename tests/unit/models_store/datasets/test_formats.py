"""Folders and zips of labelled files, in every layout that people's programs make."""

import os
import zipfile
from pathlib import Path

import pytest

from models_store.datasets import formats
from models_store.datasets.archive import ArchiveLimits
from models_store.datasets.formats import read
from models_store.datasets.passed_over import PassedOver
from models_store.datasets.rows import Refused, Row, TableRead
from models_store.errors import DataSetRejected
from tests.unit.models_store.datasets import test_archive as archive

FILES = {"7/b.png": b"seven", "7/a.PNG": b"again", "1/deep/er/c.jpg": b"one", "1/ä ö.png": b"umlaut"}
ROWS = [
    Row("1/deep/er/c.jpg", "1", b"one"), Row("1/ä ö.png", "1", b"umlaut"),
    Row("7/a.PNG", "7", b"again"), Row("7/b.png", "7", b"seven"),
]  # fmt: skip
CLUTTER = [
    ".DS_Store",
    "7/.hidden.png",
    ".git/7/x.png",
    "7/.thumbs/x.png",
    "Thumbs.db",
    "7/desktop.ini",
    "__MACOSX/7/x",
    "$RECYCLE.BIN/S-1-5/x.png",
    "7/@eaDir/x.png/SYNO_1.jpg",
    "System Volume Information/x.dat",
    "lost+found/x.png",
    ".ipynb_checkpoints/a-checkpoint.png",
    "1/ehthumbs.db",
]


def folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def zipped(files: dict[str, bytes]) -> bytes:
    return archive.zipped(list(files.items()), zipfile.ZIP_DEFLATED)


def rows_of(source: Path | bytes, limits: ArchiveLimits = formats.DEFAULT_LIMITS) -> list[Row | Refused]:
    """The rows alone, without what is told beside them."""
    return [item for item in read(source, limits) if isinstance(item, Row | Refused)]


def told_of(source: Path | bytes) -> list[PassedOver | TableRead]:
    return [item for item in read(source) if isinstance(item, PassedOver | TableRead)]


def rejected(source: Path | bytes) -> str:
    with pytest.raises(DataSetRejected) as caught:
        rows_of(source)
    assert str(caught.value).endswith(".")
    return caught.value.code


def refusals(source: Path | bytes) -> list[tuple[str, str]]:
    return [(row.where, row.code) for row in read(source) if isinstance(row, Refused)]


def test_a_folder_per_label(tmp_path: Path) -> None:
    assert rows_of(folder(tmp_path, FILES)) == ROWS


def test_a_zip_of_a_folder_per_label_as_bytes_and_as_a_file(tmp_path: Path) -> None:
    packed = zipped(FILES)
    (tmp_path / "mine.ZIP").write_bytes(packed)
    assert rows_of(packed) == rows_of(tmp_path / "mine.ZIP") == ROWS


def test_what_systems_add_is_skipped(tmp_path: Path) -> None:
    files = FILES | dict.fromkeys(CLUTTER, b"clutter")
    assert rows_of(folder(tmp_path, files)) == rows_of(zipped(files)) == ROWS


def test_one_folder_around_all_labels_of_a_zip_is_no_label() -> None:
    wrapped = {f"digits/{name}": data for name, data in FILES.items()} | {"__MACOSX/digits/7/._a.png": b"x"}
    assert rows_of(zipped(wrapped)) == [Row(f"digits/{row.where}", row.label, row.data) for row in ROWS]
    with_text = zipped(wrapped | {"digits/README.md": b"about"})
    assert refusals(with_text) == []
    assert told_of(with_text)[1:] == [PassedOver("digits/README.md", "no_picture")]
    assert [row.label for row in read(with_text) if isinstance(row, Row)] == ["1", "1", "7", "7"]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["7/a.png"], ["7"]),  # one label, no folder around it
        (["7/a.png", "7/more/b.png"], ["7", "7"]),
        (["digits/7/a.png"], ["7"]),
    ],
)
def test_where_labels_begin_in_a_zip(names: list[str], labels: list[str]) -> None:
    rows = rows_of(zipped(dict.fromkeys(names, b"x")))
    assert [row.label for row in rows if isinstance(row, Row)] == labels


TABLE = b"file,label\n7/b.png,seven\npics/x.png,one\n"


@pytest.mark.parametrize("name", ["labels.csv", "Labels.CSV"])
def test_a_table_at_the_top_says_what_the_pictures_are(tmp_path: Path, name: str) -> None:
    files = {name: TABLE, "7/b.png": b"b", "pics/x.png": b"x", "pics/unlisted.png": b"y"}
    expected = [Row("line 2", "seven", b"b"), Row("line 3", "one", b"x")]
    wrapped = {f"digits/{name}": data for name, data in files.items()}
    assert rows_of(folder(tmp_path, files)) == rows_of(zipped(files)) == rows_of(zipped(wrapped)) == expected


def test_a_table_may_lie_beside_its_pictures_in_the_one_folder_of_a_zip() -> None:
    files = {"digits/labels.csv": b"file,label\na.png,7\n", "digits/a.png": b"a", "digits/more/b.png": b"b"}
    assert rows_of(zipped(files)) == [Row("line 2", "7", b"a")]


@pytest.mark.parametrize("path", ["../b.png", "/b.png", "sub/../b.png", "c:b.png", "..\\b.png"])
def test_a_table_in_a_zip_names_files_below_it(path: str) -> None:
    files = {"x/labels.csv": f"file,label\na.png,1\n{path},7\n".encode(), "x/a.png": b"a", "x/b.png": b"b"}
    assert refusals(zipped(files)) == [("line 3", "path_outside")]


def test_a_file_too_large_for_a_picture_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_MAX_PICTURE", 2**20)
    files = {"7/a.png": bytes(2**20), "7/b.png": bytes(2**20 + 1)}
    assert refusals(folder(tmp_path, files)) == refusals(zipped(files)) == [("7/b.png", "file_too_large")]


@pytest.mark.parametrize("name", ["train.csv", "data/train.JSONL", "x.ndjson"])
def test_a_zip_or_folder_that_holds_nothing_but_a_table(tmp_path: Path, name: str) -> None:
    table = b'{"image": "eA==", "label": 1}' if "csv" not in name else b"label,pixel0,pixel1,pixel2,pixel3\n1,0,0,9,9\n"
    for source in (zipped({name: table}), folder(tmp_path, {name: table})):
        (row,) = rows_of(source)
        assert isinstance(row, Row) and row.label == "1"


def test_labels_from_folders_are_trimmed_composed_and_checked(tmp_path: Path) -> None:
    files = dict.fromkeys(["7 /a", "a\u0308/b", "x\u200by/c", f"{'9' * 65}/d", f"{'9' * 64}/e", "a\nb/f", " /g"], b"")
    rows = rows_of(folder(tmp_path, files))
    assert {row.label for row in rows if isinstance(row, Row)} == {"7", "ä", "9" * 64}
    refused = {row.where: row.code for row in rows if isinstance(row, Refused)}
    invisible = dict.fromkeys(["x\\u200by/c", f"{'9' * 65}/d", "a\\nb/f"], "label_invalid")
    assert refused == invisible | {" /g": "label_missing"}


def test_a_name_that_is_no_text_is_shown_safely(tmp_path: Path) -> None:
    folder(tmp_path, {"1/a.png": b"x"})
    with open(os.fsencode(tmp_path) + b"/1/\xff\x1b[2J.png", "wb") as file:
        file.write(b"y")
    row = rows_of(tmp_path)[1]
    assert (row.where, row.where.encode()) == ("1/\\udcff\\x1b[2J.png", b"1/\\udcff\\x1b[2J.png")


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    secret = folder(tmp_path / "secret", {"x/key.png": b"secret"})
    root = folder(tmp_path / "root", {"7/a.png": b"a"})
    (root / "7" / "inside.png").symlink_to("a.png")
    (root / "7" / "outside.png").symlink_to(secret / "x" / "key.png")
    (root / "7" / "dangling.png").symlink_to("nothing.png")
    (root / "7" / "ring.png").symlink_to("ring.png")
    (root / "8").symlink_to(secret / "x")
    (root / "7" / "loop").symlink_to("..")
    rows = rows_of(root)
    assert [row for row in rows if isinstance(row, Row)] == [Row("7/a.png", "7", b"a"), Row("7/inside.png", "7", b"a")]
    assert refusals(root) == [
        ("7/dangling.png", "file_missing"), ("7/loop/", "path_outside"), ("7/outside.png", "path_outside"),
        ("7/ring.png", "file_unreadable"), ("8/", "path_outside"),
    ]  # fmt: skip
    assert str(tmp_path) not in repr(rows)


def test_a_root_that_is_a_link_is_followed(tmp_path: Path) -> None:
    folder(tmp_path / "there", FILES)
    (tmp_path / "here").symlink_to("there")
    assert rows_of(tmp_path / "here") == ROWS


def test_a_pipe_does_not_stop_reading(tmp_path: Path) -> None:
    folder(tmp_path, {"7/a.png": b"a"})
    os.mkfifo(tmp_path / "7" / "pipe.png")
    assert refusals(tmp_path) == [("7/pipe.png", "file_unreadable")]


def test_a_file_beside_the_labels_is_refused_alone(tmp_path: Path) -> None:
    files = FILES | {"metadata.csv": b"a,b\n", "z.png": b"z"}
    for source in (folder(tmp_path, files), zipped(files)):
        assert refusals(source) == [("z.png", "label_missing")]
        assert told_of(source) == [PassedOver("metadata.csv", "no_picture")]


def test_what_cannot_be_used_at_all(tmp_path: Path) -> None:
    assert (
        rejected(tmp_path / "none")
        == rejected(tmp_path / "nul\0")
        == rejected(tmp_path / "none" / "x")
        == "data_missing"
    )
    assert rejected(tmp_path / ("x" * 300)) == "data_unreadable"
    assert rejected(tmp_path) == rejected(zipped({})) == rejected(zipped({"7/": b""})) == "data_empty"
    assert rejected(folder(tmp_path / "flat", {"a.png": b"", "b.png": b""})) == "labels_missing"
    assert rejected(zipped({"a.png": b"", "b.png": b""})) == "labels_missing"
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "sheet.xlsx").write_bytes(zipped(FILES))
    for source in (
        tmp_path / "a.png",
        tmp_path / "sheet.xlsx",
        b"\x89PNG\r\n\x1a\n",
        b"plain",
        b"\0,\0\n",
    ):
        assert rejected(source) == "data_unknown_type"
    (tmp_path / "not.zip").write_bytes(b"nothing")
    assert rejected(tmp_path / "not.zip") == "archive_invalid"
    assert rejected(b"") == "data_empty"


def test_a_refusal_names_no_path_of_the_machine(tmp_path: Path) -> None:
    with pytest.raises(DataSetRejected) as caught:
        rows_of(tmp_path / "none")
    assert "none" in str(caught.value) and str(tmp_path) not in str(caught.value)


def test_the_limits_hold_for_what_a_table_names_again_and_again() -> None:
    table = b"file,label\n" + b"a.png,1\n" * 3
    packed = zipped({"labels.csv": table, "a.png": bytes(1000)})
    assert len(rows_of(packed, ArchiveLimits(2, 3000 + len(table)))) == 3
    with pytest.raises(DataSetRejected) as caught:
        rows_of(packed, ArchiveLimits(2, 2999 + len(table)))
    assert caught.value.code == "archive_too_large"
