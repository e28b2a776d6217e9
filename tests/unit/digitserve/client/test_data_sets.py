"""Labelled pictures become one file."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from digitserve.client.data_sets import Data, digest, is_known, packed
from tests.conftest import EXAMPLES

SEVEN = (EXAMPLES / "7.png").read_bytes()


def inside(data: Data) -> dict[str, bytes]:
    content = packed(data).content
    assert isinstance(content, bytes)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def folder(place: Path) -> Path:
    for name in ("7/b.png", "7/a.png", "1/.hidden", "1/c.png", ".git/x"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(name.encode())
    return place


def test_a_folder_becomes_a_zip_without_what_is_hidden(tmp_path: Path) -> None:
    found = packed(folder(tmp_path / "mine"))
    assert found.name == "mine.zip"
    assert list(inside(tmp_path / "mine")) == ["1/c.png", "7/a.png", "7/b.png"]


def test_the_same_pictures_are_the_same_bytes(tmp_path: Path) -> None:
    assert digest(packed(folder(tmp_path / "a"))) == digest(packed(folder(tmp_path / "b")))


def test_a_mapping_has_the_pictures_of_each_label() -> None:
    found = inside({"7": [SEVEN, EXAMPLES / "7.png"], "x": [np.zeros((9, 9), np.uint8)]})
    assert list(found) == ["7/000000.png", "7/000001.png", "x/000000.png"]
    assert found["7/000000.png"] == found["7/000001.png"] == SEVEN


def test_a_file_is_read_while_it_is_sent_and_bytes_go_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(b"label,pixel0\n")
    assert (packed(path).name, packed(str(path)).content) == ("mine.csv", path)
    assert digest(packed(path)) == digest(packed(b"label,pixel0\n"))


@pytest.mark.parametrize("data", [{}, {"7": []}, {"a/b": [SEVEN]}, {"..": [SEVEN]}, {7: [SEVEN]}])
def test_what_nothing_can_be_learned_from(data: Data) -> None:
    with pytest.raises(ValueError, match=r"There is no picture|can't be a label"):
        packed(data)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        packed(tmp_path / "none.zip")


def test_what_the_server_has_is_named() -> None:
    assert is_known("feedback") and is_known("file-" + "0a" * 12)
    assert not is_known("file-mine.zip") and not is_known({"7": [SEVEN]})
