"""The whole loop on a real server: it reads a handwriting badly, is corrected, starts a job, and reads better."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT
from tests.support.patience import wait_until
from tests.system.harness import caller, serving
from tests.system.test_jobs import ENDED

AFTER = 50  # corrections that start a job: enough that held-out ones judge it, not five folds in turn
TAUGHT, KEPT, BATCH = 300, 100, 200
JOBS = "/v1/fine_tuning/jobs"


@pytest.fixture(scope="module")
def handwriting() -> Any:
    """docs/handwriting.py, a script that people run."""
    spec = importlib.util.spec_from_file_location("handwriting", ROOT / "docs" / "handwriting.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "handwriting", module)  # its dataclass asks where it stands
        spec.loader.exec_module(module)
        yield module


class Reader:
    """A client that has pictures read, two hundred at a time."""

    def __init__(self, http: httpx.Client, handwriting: Any) -> None:
        self._http = http
        self._handwriting = handwriting

    def labels(self, pictures: Sequence[Any]) -> list[str]:
        """What the server reads on each."""
        found: list[str] = []
        for begin in range(0, len(pictures), BATCH):
            instances = self._handwriting.as_instances(pictures[begin : begin + BATCH])
            answer = self._http.post("/v1/predict/batch", json=instances).raise_for_status().json()
            found += [one["label"] for one in answer["predictions"]]
        return found

    def right(self, pictures: Sequence[Any]) -> int:
        return sum(label == p.label for label, p in zip(self.labels(pictures), pictures, strict=True))


def test_it_learns_from_corrections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handwriting: Any) -> None:
    monkeypatch.setenv("DIGITSERVE_FEEDBACK_JOB_AFTER", str(AFTER))
    monkeypatch.setenv("DIGITSERVE_FEEDBACK_PROMOTE", "if_better")
    taught, kept = handwriting.written(TAUGHT, KEPT)
    with serving(tmp_path / "log", "--workers", "1") as (_, url), caller(url) as http:
        reader = Reader(http, handwriting)
        answers = reader.labels(taught)
        wrong = [(p, answer) for p, answer in zip(taught, answers, strict=True) if answer != p.label]
        before = reader.right(kept)
        assert len(wrong) >= AFTER and before < 0.9 * KEPT
        for picture, answer in wrong:
            files, said = {"file": ("x.png", picture.png)}, {"label": picture.label, "read_as": answer}
            given = http.post("/v1/feedback", files=files, data=said)
            assert (given.status_code, given.json()["read_by"]) == (201, "digits@1"), given.text

        jobs: list[dict[str, Any]] = wait_until(lambda: http.get(JOBS).json()["data"])
        (job,) = wait_until(
            lambda: [] if (found := http.get(JOBS).json()["data"])[0]["status"] not in ENDED else found,
            progress=lambda: http.get(f"{JOBS}/{jobs[0]['id']}/events").json()["data"][:3],
        )
        assert job["id"] == jobs[0]["id"] and job["metadata"] == {"started_by": "feedback"}
        assert (job["status"], job["fine_tuned_model"]) == ("succeeded", "digits@2"), job
        assert job["result"]["promoted"], job["result"]

        wait_until(lambda: reader.right(kept) > before)  # every process follows within a second
        assert reader.right([picture for picture, _ in wrong]) > len(wrong) / 2  # none of which was right
        listed = http.get("/v1/feedback?limit=100").json()["data"]
        learned = [one for one in listed if one["job"] == job["id"]]
        counts = http.get("/v1/feedback/summary").json()
        assert AFTER <= len(learned) == len(listed) - counts["waiting"] and counts["job_after"] == AFTER
        assert len(http.get(JOBS).json()["data"]) == 1
