"""What is told of data sets, jobs and versions."""

from typing import Any

from digitserve.client.learning import DataSet, Job, Model, Outcome, Version

JOB: dict[str, Any] = {
    "id": "ftjob-1", "status": "running", "base": "digits@2", "training_file": "feedback", "created_at": 1,
    "attempt": 1,
    "hyperparameters": {"n_epochs": 3}, "seed": 1, "metadata": {}, "paused": False, "error": None, "result": None,
    "progress": {"epoch": 2}, "warnings": [], "finished_at": None, "validation_file": None,
}  # fmt: skip
RESULT = {
    "version": "digits@3",
    "accepted": False,
    "promoted": False,
    "in_shadow": True,
    "gate": "rejected",
    "numbers": {},
}


def test_only_a_job_that_succeeded_has_an_outcome() -> None:
    running, done = Job.of({**JOB, "result": RESULT}), Job.of({**JOB, "status": "succeeded", "result": RESULT})
    assert (running.outcome, running.has_ended, running.progress) == (None, False, {"epoch": 2})
    assert done.has_ended and done.outcome == Outcome("digits@3", False, False, True, "rejected", {}, "ftjob-1")


def test_a_failed_job_says_why() -> None:
    failed = Job.of({**JOB, "status": "failed", "error": {"code": "storage_full", "message": "Make room."}})
    assert (failed.error_code, failed.error, failed.has_ended) == ("storage_full", "Make room.", True)


def test_a_data_set_has_the_report_on_its_rows() -> None:
    report = {"rows": 9, "kept": 7, "duplicates": 1, "conflicting_labels": 0, "refused": {"image_invalid": 1},
              "per_label": {"7": 7}, "newer": 1}  # fmt: skip
    found = DataSet.of({"id": "file-1", "filename": "a.zip", "bytes": 5, "sha256": "00", "report": report})
    assert (found.id, found.bytes, found.kept, found.refused) == ("file-1", 5, 7, {"image_invalid": 1})


def test_models_and_versions() -> None:
    facts = {"versions": [1, 2], "aliases": {"champion": 2}, "labels": ["0", "1"], "metrics": {"accuracy": 0.9}}
    model = Model.of({"id": "digits", "parent": None, **facts})
    assert (model.name, model.versions, model.labels) == ("digits", (1, 2), ("0", "1"))
    version = Version.of(
        {"id": "a@b@12", "aliases": ["champion"], "parent": "a@1", "job": None, "manifest": {"net": "x"}}
    )
    assert (version.number, version.aliases, version.manifest["net"]) == (12, ("champion",), "x")
