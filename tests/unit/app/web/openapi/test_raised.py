"""What operations say of their problems: by codes, each under its status."""

import pytest

from app.web.openapi.codes import data_sets, kept, known
from app.web.openapi.raised import CODES, raises


def test_groups_and_single_codes_come_under_their_statuses() -> None:
    told = raises(kept.VERSION, "job_not_found", "file_in_use")
    assert {status: answer[CODES] for status, answer in told.items()} == {
        404: ["job_not_found", "model_not_found"],
        409: ["file_in_use"],
        422: ["bad_model_name"],
        503: ["too_many_open_files", "version_corrupt", "version_unusable"],
    }


def test_what_stands_inside_of_an_answer_is_no_status() -> None:
    assert raises(data_sets.ROWS) == {}


def test_an_unknown_code_and_one_of_two_statuses_are_refused() -> None:
    with pytest.raises(KeyError):
        raises("no_such_code")
    with pytest.raises(AssertionError, match="several statuses"):
        raises("too_busy")


def test_no_code_is_described_in_two_ways() -> None:
    assert {code.status for code in known()["too_busy"]} == {429, 503}
    assert len({(code.meaning, code.remedy) for code in known()["too_busy"]}) == 1
