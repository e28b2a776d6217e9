from pathlib import Path

import pytest

from benchmarks import page


def test_a_table_replaces_the_one_between_its_marks_and_no_other(tmp_path: Path) -> None:
    place = tmp_path / "page.md"
    place.write_text("# A\n<!-- one -->\nold\n<!-- end -->\ntext\n<!-- two -->\nstays\n<!-- end -->\n")
    page.write(place, "one", r"new \1")
    assert place.read_text() == ("# A\n<!-- one -->\nnew \\1\n<!-- end -->\ntext\n<!-- two -->\nstays\n<!-- end -->\n")
    with pytest.raises(AssertionError, match="no place for the table"):
        page.write(place, "three", "new")


def test_a_table_is_markdown() -> None:
    assert page.table(["", "speed"], [["a", "1"], ["b", "2"]]) == "|  | speed |\n| --- | --- |\n| a | 1 |\n| b | 2 |"


def test_what_was_measured_names_command_day_and_machine() -> None:
    assert page.measured("make it", "`digits@2`").startswith("`make it` · 20")
    assert "cores of" in page.measured("make it")
