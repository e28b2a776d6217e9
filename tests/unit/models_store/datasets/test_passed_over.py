"""What is none of a person's pictures, by its name."""

import pytest

from models_store.datasets.passed_over import clutter, is_note


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("$RECYCLE.BIN/S-1-5-21/x.png", "system"), ("7/@eaDir/a.png/SYNO_1.jpg", "system"),
        ("__MACOSX/7/._a", "system"),
        ("system volume information/x", "system"), ("lost+found/1", "system"), ("7/THUMBS.DB", "system"),
        ("7/desktop.ini", "system"), (".git/7/a.png", "hidden"), ("7/.a.png", "hidden"),
        (".ipynb_checkpoints/", "hidden"),
        ("7/a.png", None), ("7/Desktop.png", None), ("recycling/a.png", None),
    ],
)  # fmt: skip
def test_what_systems_add_is_told_from_what_people_hide(name: str, reason: str | None) -> None:
    assert clutter(name) == reason


@pytest.mark.parametrize("name", ["README.txt", "7/notes.TXT", "LICENSE", "digits/labels.csv", "a.json", "Makefile"])
def test_texts_and_tables_are_no_pictures(name: str) -> None:
    assert is_note(name)


@pytest.mark.parametrize("name", ["7/a.png", "7/IMG_1", "7/scan.tiff", "7/readme.png", "7/strange.xyz"])
def test_whatever_else_a_file_is_called_it_may_be_a_picture(name: str) -> None:
    assert not is_note(name)
