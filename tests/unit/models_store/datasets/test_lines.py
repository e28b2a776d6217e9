"""Lines of a text file: counted, decoded, and none so long that it fills the memory."""

import io
from pathlib import Path

import pytest

from models_store.datasets import lines
from models_store.datasets.lines import Lines
from models_store.datasets.rows import Refused, Row, RowRejected
from tests.unit.models_store.datasets.test_formats import rows_of


def read_lines(data: bytes) -> list[tuple[int, str]]:
    """Each line with its number; for one that is refused, the code of the reason."""
    found: list[tuple[int, str]] = []
    rows = Lines(io.BytesIO(data))
    while True:
        try:
            line = next(rows)
        except StopIteration:
            return found
        except RowRejected as refusal:
            line = refusal.code
        found.append((rows.number, line))


def test_lines_keep_their_ends_whatever_these_are() -> None:
    assert read_lines(b"a\nb\r\nc\r\n\nd") == [(1, "a\n"), (2, "b\r\n"), (3, "c\r\n"), (4, "\n"), (5, "d")]
    assert read_lines(b"a\rb") == [(1, "a\r"), (2, "b")]
    assert read_lines(b"") == []


def test_a_mark_at_the_start_is_no_part_of_the_first_line() -> None:
    assert read_lines("\ufeffä\n\ufeffx".encode()) == [(1, "ä\n"), (2, "\ufeffx")]


def test_the_next_line_can_be_asked_for_after_one_that_is_no_utf8() -> None:
    assert read_lines(b"a\n\xff\xfe\nb\n\xed\xa0\x80") == [(1, "a\n"), (2, "not_utf8"), (3, "b\n"), (4, "not_utf8")]


@pytest.mark.parametrize("over", [0, 1, 500])
def test_a_line_may_be_just_so_long(over: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 50)
    line = b"x" * (49 + over)
    first = line.decode() + "\n" if over == 0 else "row_too_long"
    assert read_lines(line + b"\nnext\n") == [(1, first), (2, "next\n")]
    assert read_lines(b"next\n" + line)[0] == (1, "next\n")


def test_a_line_without_an_end_is_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 50)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode())
    text = "file,label\n" + "x" * 500 + ",1\na.png," + " " * 50 + "7\nb.png,1\n"
    (tmp_path / "table.csv").write_text(text)
    rows = rows_of(tmp_path / "table.csv")
    assert [(row.where, row.code) for row in rows if isinstance(row, Refused)] == [
        ("line 2", "row_too_long"), ("line 3", "row_too_long"),
    ]  # fmt: skip
    assert rows[2:] == [Row("line 4", "1", b"b.png")]


def test_the_file_stays_open_for_whoever_opened_it() -> None:
    file = io.BytesIO(b"a\nb\n")
    with Lines(file) as rows:
        assert list(rows) == ["a\n", "b\n"]
    assert not file.closed and file.read() == b""
