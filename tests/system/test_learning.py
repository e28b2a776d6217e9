"""The whole loop on a real server: it reads a handwriting badly, is corrected, starts a job, and reads better. Lies are
held back and block no honest corrections, and what was learned can be taken out again.
"""

import importlib.util
import sys
from collections.abc import Callable, Sequence
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
WRITTEN, LIES, HONEST = 800, AFTER, AFTER + 5
JOBS, FEEDBACK = "/v1/fine_tuning/jobs", "/v1/feedback"


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


def give(http: httpx.Client, pictures: Sequence[Any], labels: Sequence[str]) -> list[str]:
    """The ids of corrections to these labels."""
    ids = []
    for picture, label in zip(pictures, labels, strict=True):
        answer = http.post(FEEDBACK, files={"file": ("x.png", picture.png)}, data={"label": label})
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    return ids


def ended(http: httpx.Client, which: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> dict[str, Any]:
    """The one of the jobs that is meant, when it has ended."""

    def found() -> list[dict[str, Any]]:
        return [job for job in which(http.get(JOBS).json()["data"]) if job["status"] in ENDED]

    def said() -> Any:
        newest = http.get(JOBS).json()["data"][:1]
        return [http.get(f"{JOBS}/{job['id']}/events").json()["data"][:3] for job in newest]

    (job,) = wait_until(found, progress=said)
    return dict(job)


def summary(http: httpx.Client) -> dict[str, Any]:
    return dict(http.get(f"{FEEDBACK}/summary").json())


def test_lies_wait_honest_ones_are_learned_and_one_is_taken_out(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    handwriting: Any,
) -> None:
    monkeypatch.setenv("DIGITSERVE_FEEDBACK_JOB_AFTER", str(AFTER))
    written, kept = handwriting.written(WRITTEN, 100)
    with serving(tmp_path / "log", "--workers", "1") as (_, url), caller(url) as http:
        sevens = [picture for picture in written if picture.label == "7"][:LIES]
        give(http, sevens, ["1"] * len(sevens))
        first = ended(http, lambda jobs: jobs)
        assert not (first["result"] or {}).get("accepted")
        counts = summary(http)
        assert counts["held"] > LIES / 2 and counts["held"] + counts["waiting"] == LIES
        groups = http.get(f"{FEEDBACK}/held").json()["data"]
        assert sum(group["count"] for group in groups) == counts["held"]
        assert {(group["job"], group["giver"]) for group in groups} == {(first["id"], "local")}

        reader = Reader(http, handwriting)
        others = [picture for picture in written if picture.label != "7"]
        wrong = [p for p, read in zip(others, reader.labels(others), strict=True) if read != p.label]
        before = reader.right(kept)
        learned = give(http, wrong[:HONEST], [picture.label for picture in wrong[:HONEST]])
        second = ended(http, lambda jobs: [job for job in jobs if job["id"] != first["id"]][-1:])
        assert second["result"]["accepted"] and not second["result"]["promoted"], second
        made = second["fine_tuned_model"]
        known = [name for name in learned if http.get(f"{FEEDBACK}/{name}").json()["job"] == second["id"]]
        assert len(known) >= AFTER and made == "digits@2"

        promoted = http.put("/v1/models/digits/aliases/champion", json={"version": 2, "expected": 1})
        assert promoted.status_code == 200, promoted.text
        wait_until(lambda: reader.right(kept) > before)

        http.delete(f"{FEEDBACK}/{known[0]}").raise_for_status()
        traced = http.get(f"{FEEDBACK}/{known[0]}/versions").json()
        assert [one["version"] for one in traced["versions"]] == [made] and traced["deleted"]
        assert traced["without"] == "digits@1"
        how = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}, "promote": "if_better"}}
        body = {"model": traced["without"], "training_file": "feedback", "method": how}
        anew = http.post(JOBS, json=body).raise_for_status().json()
        third = ended(http, lambda jobs: [job for job in jobs if job["id"] == anew["id"]])
        assert third["status"] == "succeeded" and not third["result"]["promoted"]
        events = [event["message"] for event in http.get(f"{JOBS}/{anew['id']}/events?limit=100").json()["data"]]
        assert any(third["fine_tuned_model"] in text and "promote" in text.casefold() for text in events), events
        traced = http.get(f"{FEEDBACK}/{known[0]}/versions").json()
        assert [one["version"] for one in traced["versions"]] == [made]
        other = http.get(f"{FEEDBACK}/{known[1]}/versions").json()
        assert [one["version"] for one in other["versions"]] == [made, third["fine_tuned_model"]]
