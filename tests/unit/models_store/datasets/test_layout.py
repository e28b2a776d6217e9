"""Folders as people keep their pictures: which are labels, which are parts, and which leave it open."""

from pathlib import Path

import pytest

from models_store.datasets.layout import places
from models_store.datasets.rows import Row
from models_store.errors import DataSetRejected
from tests.unit.models_store.datasets.test_formats import folder, refusals, rows_of, zipped

TRAIN, VALIDATION, TEST = "train", "validation", "test"


def read_alike(root: Path, names: list[str]) -> dict[str, tuple[str | None, str]]:
    """The part and the label of each picture, which are the same from a folder and from a zip of it."""
    files = {name: name.encode() for name in names}
    found = [rows_of(source) for source in (folder(root / "data", files), zipped(files))]
    assert found[0] == found[1]
    return {row.where: (row.split, row.label) for row in found[0] if isinstance(row, Row)}


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("training", None, "testing"),  # mnist_png
        ("train", "val", "test"),
        ("Train", "Valid", "TEST"),
        ("train", "validation", "eval"),
        ("training", "dev", "evaluation"),
        ("training_set", None, "test_set"),
        ("train", "val", None),
        (" train ", None, "test-images"),
    ],
)
@pytest.mark.parametrize("around", ["", "mnist_png/", "download/mnist png (1)/", "test/a/b/c/"])
def test_folders_of_parts_are_parts(
    tmp_path: Path, train: str, validation: str | None, test: str | None, around: str
) -> None:
    folders = {TRAIN: train, VALIDATION: validation, TEST: test}
    expected = {
        f"{around}{name}/{label}/{label}.png": (part, label) for part, name in folders.items() if name for label in "71"
    }
    assert read_alike(tmp_path, [*expected, f"{around}README.txt", "LICENSE"]) == expected


def test_a_part_may_lie_below_its_label(tmp_path: Path) -> None:
    expected = {f"{label}/{part}/a.png": (part, label) for label in "71" for part in (TRAIN, TEST)}
    assert read_alike(tmp_path, list(expected)) == expected


def test_folders_between_parts_and_labels_mean_nothing(tmp_path: Path) -> None:
    expected = {f"data/{part}/images/{label}/a.png": (part, label) for label in "71" for part in (TRAIN, TEST)}
    assert read_alike(tmp_path, list(expected)) == expected


@pytest.mark.parametrize("around", ["", "digits/", "a/b/c/"])
def test_without_parts_labels_are_the_folders_that_hold_pictures(tmp_path: Path, around: str) -> None:
    names = ["7/x.png", "7/2023/a/y.png", "1/z.png"]
    beside = ["README.md", "notes.csv", "7/about.txt"]
    expected = {f"{around}{name}": (None, name[0]) for name in names}
    assert read_alike(tmp_path, [f"{around}{name}" for name in (*names, *beside)]) == expected


def test_one_part_alone_is_that_part(tmp_path: Path) -> None:
    """What somebody calls test is not learned in silence."""
    assert read_alike(tmp_path, ["test/7/a.png", "test/1/b.png"]) == {
        "test/7/a.png": (TEST, "7"), "test/1/b.png": (TEST, "1"),
    }  # fmt: skip


def test_a_picture_beside_the_folders_is_in_no_label(tmp_path: Path) -> None:
    names = ["mnist/sample.png", "mnist/train/7/a.png", "mnist/train/x.png", "mnist/test/1/b.png"]
    found = read_alike(tmp_path, names)
    assert found == {"mnist/train/7/a.png": (TRAIN, "7"), "mnist/test/1/b.png": (TEST, "1")}


@pytest.mark.parametrize("around", ["", "mnist/", "a/b/"])
@pytest.mark.parametrize("stray", ["overview.png", "z.png"])
def test_a_picture_in_a_folder_around_the_labels_costs_itself_alone(tmp_path: Path, around: str, stray: str) -> None:
    names = [f"{around}{name}" for name in ("7/a.png", "7/more/b.png", "1/c.png", stray)]
    assert {place.label for place in places(names).values()} == {"7", "1", None}
    files = {name: name.encode() for name in names}
    for source in (folder(tmp_path / "data", files), zipped(files)):
        assert refusals(source) == [(f"{around}{stray}", "label_missing")]
        assert [row.label for row in rows_of(source) if isinstance(row, Row)] == ["1", "7", "7"]


def test_parts_keep_their_folder_around_the_labels() -> None:
    found = places(["train/images/x.png", "train/images/7/a.png", "train/images/1/b.png", "test/images/7/c.png"])
    assert [(place.split, place.label) for place in found.values()] == [
        (TRAIN, None), (TRAIN, "7"), (TRAIN, "1"), (TEST, "7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["train/a.png", "val/b.png"], ["train", "val", "no labels"]),  # the parts hold the pictures themselves
        (["train/a.png", "car/b.png"], ["train", "car"]),
        (["train/7/a.png", "8/b.png"], ["train/7", "8"]),
        (["train/7/a.png", "test/7/a.png", "more/7/a.png"], ["more/7"]),
        (["train/test/a.png", "train/7/b.png"], ["train/test", "train/7"]),
        (["train/val/7/a.png", "train/8/b.png", "x/9/c.png"], ["train/val/7", "at once"]),
        (["train/val/7/a.png", "7/b.png"], ["train/val/7"]),
        (["writer1/7/a.png", "writer2/1/b.png"], ["writer1/7", "writer2/1"]),
        (["7/a.png", "more/1/b.png"], ["7", "more/1"]),
        (["train/anna/7/a.png", "test/ben/7/a.png"], ["anna/7", "ben/7"]),
        (["d/x.png", "d/7/a.png", "d/more/1/b.png"], ["d/7", "d/more/1"]),
        (["train/Seven/a.png", "test/seven/b.png"], ["Seven and seven"]),
    ],
)
def test_a_layout_that_leaves_it_open_is_refused_by_name(tmp_path: Path, names: list[str], told: list[str]) -> None:
    for source in (folder(tmp_path, dict.fromkeys(names, b"x")), zipped(dict.fromkeys(names, b"x"))):
        with pytest.raises(DataSetRejected) as caught:
            rows_of(source)
        assert caught.value.code == "layout_unclear" and str(caught.value).endswith("labels.csv.")
        assert all(words in str(caught.value) for words in told), str(caught.value)


def test_letters_in_both_cases_are_labels_of_their_own() -> None:
    names = ["train/A/1.png", "train/a/2.png", "test/A/3.png"]
    assert {place.label for place in places(names).values()} == {"A", "a"}
    assert {place.label for place in places(["A/1.png", "a/2.png"]).values()} == {"A", "a"}
