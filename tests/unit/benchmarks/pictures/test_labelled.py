from pathlib import Path

import pytest

from benchmarks.pictures import labelled
from benchmarks.pictures.labelled import BadFolder

HEAD = "file,kind,label,source,licence,note\n"


def folder(place: Path, lines: str, head: str = HEAD) -> Path:
    (place / "a.png").write_bytes(b"picture")
    (place / "labels.csv").write_text(head + lines)
    return place


def test_a_line_is_a_picture_and_the_end_of_its_note_says_how_it_was_made(tmp_path: Path) -> None:
    (one,) = labelled.read(folder(tmp_path, "a.png,single,7,me,unknown,has EXIF; photo\n"))
    assert (one.data, one.kind, one.label, one.note) == (b"picture", "single", "7", "photo")


def test_a_folder_without_labels_is_told_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(BadFolder, match="write one with the columns file,kind,label"):
        labelled.read(tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("b.png,single,7,,,photo\n", "line 2: b.png can't be read. Put it into the folder"),
        ("a.png,lonely,7,,,photo\n", "line 2: the kind 'lonely' is not known. Write one of single, row, other"),
        ("a.png,row,12 3,,,photo\n", "line 2: the label '12 3' is no digits"),
        ("a.png,single,12,,,photo\n", "Call it a row"),
        (",single,1,,,photo\n", "no file is named"),
        ("", "names no picture"),
    ],
)
def test_a_bad_line_is_named_with_what_to_do(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(BadFolder) as bad:
        labelled.read(folder(tmp_path, line))
    assert said in str(bad.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFolder, match="no column kind, label"):
        labelled.read(folder(tmp_path, "a.png\n", "file\n"))
