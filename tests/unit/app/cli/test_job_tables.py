"""What is printed of jobs: rows, facts, and what came of one."""

from typing import Any

import pytest

from app.cli.job_tables import accepted, next_step, print_job, print_jobs, print_outcome, status_of

JOB: dict[str, Any] = {
    "id": f"ftjob-{'0123456789ab' * 2}", "status": "queued", "base": "digits@1", "created_at": 1790000000,
    "training_file": "file-1",
}  # fmt: skip
NUMBERS = {"new_accuracy_of_base": 0.5, "new_accuracy": 0.98765, "accuracy_of_base": 1.0, "accuracy": 0.999}


def ended(**result: Any) -> dict[str, Any]:
    """A job that succeeded with this result."""
    return {**JOB, "status": "succeeded", "fine_tuned_model": "digits@2", "result": {"version": "digits@2", **result}}


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    return [" ".join(line.split()) for line in lines]


def test_a_row_has_the_time_in_utc_and_the_whole_id(capsys: pytest.CaptureFixture[str]) -> None:
    print_jobs([{**JOB, "paused": True}, {**ended(), "id": f"ftjob-{'f' * 24}"}])
    rows = [line for line in printed(capsys) if "ftjob-" in line]
    assert rows[0] == f"{JOB['id']} paused digits@1 09-21 14:13"  # date -u -d @1790000000
    assert rows[1] == f"ftjob-{'f' * 24} succeeded digits@1 digits@2 09-21 14:13"


def test_where_there_is_no_job_it_says_how_to_make_one(capsys: pytest.CaptureFixture[str]) -> None:
    print_jobs([])
    assert "digitserve jobs create" in printed(capsys)[0]


def test_the_facts_of_a_job_leave_out_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    print_job({**JOB, "status": "failed", "finished_at": 1790000060, "error": {"message": "[/] Give more."}})
    assert printed(capsys) == [
        f"job {JOB['id']}", "status failed", "from digits@1", "files file-1", "made (UTC) 09-21 14:13",
        "ended (UTC) 09-21 14:14", "error [/] Give more.",
    ]  # fmt: skip


def test_both_files_and_what_auto_became_are_facts(capsys: pytest.CaptureFixture[str]) -> None:
    print_job({**JOB, "validation_file": "file-2", "hyperparameters": {"n_epochs": 30, "batch_size": 32}})
    lines = printed(capsys)
    assert "files file-1 and file-2" in lines
    assert "chosen n_epochs 30, batch_size 32" in lines


def test_before_and_after_are_shares_of_a_hundred(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(ended(accepted=True, numbers={**NUMBERS, "new_rows": 1234.0}))
    lines = printed(capsys)
    assert "the new pictures, 1234 that judge 50.00% 98.77%" in lines
    assert "the base's own test 100.00% 99.90%" in lines


def test_a_base_that_does_not_know_the_labels_has_no_before(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(ended(accepted=True, numbers={"new_accuracy": 0.75, "accuracy": 0.5}))
    lines = printed(capsys)
    assert "the new pictures 75.00%" in lines
    assert not any("own test" in line for line in lines)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"accepted": True}, "digits@2 waits. To let it serve:|    digitserve models promote digits@2"),
        ({"accepted": False}, "Nothing changed: digits@2 was not good enough, and is kept to be looked at."),
        (
            {"accepted": True, "promoted": True},
            "digits@2 serves now. The one before comes back with:|    digitserve models rollback digits",
        ),
        (
            {"accepted": True, "promoted": False, "in_shadow": True},
            "digits@2 reads unseen beside the champion. The page /shadow shows where they differ.",
        ),
        (
            {"accepted": True, "promoted": True, "version": "new@1"},
            "new@1 serves now, the first of its model.",
        ),
    ],
)
def test_the_next_step_can_be_typed(result: dict[str, Any], said: str) -> None:
    assert "|".join(next_step(ended(**result))) == said


def test_only_what_succeeded_may_serve() -> None:
    assert accepted(ended(accepted=True))
    for job in (ended(accepted=False), {**ended(accepted=True), "status": "failed"}, JOB):
        assert not accepted(job)
    assert (status_of(JOB), status_of({**JOB, "paused": True})) == ("queued", "paused")
