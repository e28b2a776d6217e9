"""Where something else came than what was meant, the refusal says what to do."""

from pathlib import Path

import pytest

from models_store.errors import DataSetRejected
from tests.unit.models_store.datasets.test_formats import FILES, folder, refusals, rejected, rows_of, zipped


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("suffix", [".csv", ".txt", ".jsonl", ""])
def test_utf16_is_told_to_be_utf8(tmp_path: Path, encoding: str, suffix: str) -> None:
    path = tmp_path / f"data{suffix}"
    path.write_text("label\tpixel0\n", encoding)
    assert rejected(path) == rejected(path.read_bytes()) == "not_utf8"


@pytest.mark.parametrize("begin", [b"PK\3\4", b"\x1f\x8b", b"Rar!"])
@pytest.mark.parametrize("around", ["", "data/"])
def test_nothing_but_an_archive_is_told_to_be_unpacked(tmp_path: Path, begin: bytes, around: str) -> None:
    files = {f"{around}mnist.zip": begin + b"x", "README.txt": b"about"}
    for source in (folder(tmp_path / around, files), zipped(files)):
        with pytest.raises(DataSetRejected) as caught:
            rows_of(source)
        assert caught.value.code == "archive_invalid" and "is an archive itself. Unpack it" in str(caught.value)


@pytest.mark.parametrize("name", ["old.zip", "7/old.zip"])
def test_an_archive_beside_pictures_costs_itself_in_a_folder_and_all_in_a_zip(tmp_path: Path, name: str) -> None:
    files = FILES | {name: b"PK\3\4"}
    assert refusals(folder(tmp_path, files)) == [(name, "archive_invalid")]
    assert rejected(zipped(files)) == "archive_invalid"


@pytest.mark.parametrize("table", ["train.csv", "data/train.tsv", "data/images/all.jsonl"])
def test_a_table_beside_one_label_is_asked_what_it_is(table: str) -> None:
    """Kaggle's competitions have `train.csv` beside `images/`."""
    pictures = {"data/images/0.png": b"x", "data/images/1.png": b"y"}
    with pytest.raises(DataSetRejected) as caught:
        rows_of(zipped(pictures | {table: b"filename,label\n0.png,0\n"}))
    assert caught.value.code == "layout_unclear"
    assert all(word in str(caught.value) for word in ("images", table, "labels.csv"))
    assert len(rows_of(zipped(pictures | {"notes.txt": b"x"}))) == 2
