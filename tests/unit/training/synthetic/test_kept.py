"""Drawings that are kept, and what is made of a file that is damaged, old or can't be written."""

from pathlib import Path

import numpy as np
import pytest

from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import SHIPPED
from training.finetune.replay import known, reminders
from training.synthetic.kept import kept

PICTURES = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 1, 28, 28)


class Drawing:
    """Draws the same every time, and counts how often."""

    times = 0

    def __call__(self) -> np.ndarray:
        self.times += 1
        return PICTURES


def test_it_is_drawn_once(tmp_path: Path) -> None:
    draw = Drawing()
    for _ in range(3):
        assert np.array_equal(kept(tmp_path / "here", "a-1", draw), PICTURES)
    assert draw.times == 1


def test_without_a_folder_and_where_none_can_be_made_it_is_drawn(tmp_path: Path) -> None:
    draw = Drawing()
    (tmp_path / "file").write_bytes(b"")
    for folder in (None, None, tmp_path / "file", tmp_path / "no" / "where"):
        assert np.array_equal(kept(folder, "a-1", draw), PICTURES)
    assert draw.times == 4


@pytest.mark.parametrize("end", [0, 2, 60, 200, -1])
def test_a_damaged_file_is_drawn_anew(tmp_path: Path, end: int) -> None:
    draw = Drawing()
    kept(tmp_path, "a-1", draw)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for damaged in (whole[:end], whole[:300] + bytes([whole[300] ^ 1]) + whole[301:]):
        file.write_bytes(damaged)
        assert np.array_equal(kept(tmp_path, "a-1", draw), PICTURES)
    assert draw.times == 3
    assert file.read_bytes() == whole


def test_another_of_its_kind_takes_its_place(tmp_path: Path) -> None:
    draw = Drawing()
    for name in ("a-1", "b-1", "a-2"):
        kept(tmp_path, name, draw)
    assert sorted(file.name[:3] for file in tmp_path.iterdir()) == ["a-2", "b-1"]


def test_reminders_are_the_same_whether_they_were_kept(tmp_path: Path) -> None:
    base = Registry(SHIPPED).resolve(Ref("digits", None, 2))
    there = known(base, Path("/no/mnist/here"), tmp_path)
    plain = known(base, Path("/no/mnist/here"))
    assert there is not None and plain is not None
    assert (there.test.pictures == plain.test.pictures).all()
    expected = reminders(plain, base)
    for _ in range(2):
        rows = reminders(there, base, tmp_path)
        assert (rows.pictures == expected.pictures).all() and (rows.labels == expected.labels).all()
    assert sorted(file.name.partition("-")[0] for file in tmp_path.iterdir()) == [
        "handwriting1",
        "handwriting2",
        "outliers",
    ]
