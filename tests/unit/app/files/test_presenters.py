"""Data sets as clients see them: all of one, and as much of many as a list can carry."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.files.presenters import listed, shown
from app.files.store import StoredFile

REPORT: dict[str, Any] = {
    "rows": 203, "kept": 200, "duplicates": 1, "conflicting_labels": 0, "refused": {"image_truncated": 2},
    "per_label": {str(number): 1 for number in range(200)}, "input": {"channels": 1},
    "examples": [{"where": "7/scan.png", "code": "image_truncated", "why": "The picture is cut off."}],
    "per_split": {"train": {"7": 3}, "test": {"7": 1}}, "label_column": "column 1, called label", "scale": "0..16",
    "passed_over": {"hidden": {"count": 1, "names": [".DS_Store"]}},
}  # fmt: skip
FILE = StoredFile(
    id="file-1", created_at=1790000000.9, filename="digits.zip", purpose="fine-tune", bytes=118811, sha256="0" * 64,
    report=REPORT,
)  # fmt: skip


def test_one_data_set_is_in_openais_shape_with_its_whole_report() -> None:
    openai = {
        "id": "file-1", "object": "file", "bytes": 118811, "created_at": 1790000000, "filename": "digits.zip",
        "purpose": "fine-tune", "status": "processed",
    }  # fmt: skip
    assert shown(FILE).model_dump() == {**openai, "sha256": "0" * 64, "report": REPORT}


def test_a_report_of_an_earlier_release_has_no_parts_and_tells_of_no_table() -> None:
    later = ("per_split", "label_column", "scale", "passed_over")
    earlier = {key: value for key, value in REPORT.items() if key not in later}
    report = shown(StoredFile(**{**vars(FILE), "report": earlier})).report
    assert (report.per_split, report.label_column, report.scale, report.passed_over) == ({}, None, None, {})


def test_a_list_names_the_first_hundred_labels_and_no_bad_row() -> None:
    report = listed(FILE).model_dump()["report"]
    assert list(report["per_label"]) == [str(number) for number in range(100)]
    assert "examples" not in report
    assert (report["rows"], report["kept"], report["refused"]) == (203, 200, {"image_truncated": 2})


def test_listing_a_data_set_shortens_nothing_of_it() -> None:
    listed(FILE)
    assert len(shown(FILE).report.per_label) == 200


def test_a_report_of_another_shape_is_no_answer() -> None:
    broken = {key: value for key, value in REPORT.items() if key != "duplicates"}
    for present in (shown, listed):
        with pytest.raises(ValidationError, match="duplicates"):
            present(StoredFile(**{**vars(FILE), "report": broken}))
