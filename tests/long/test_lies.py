"""Lies are held back and block no honest corrections, and what was learned can be taken out again: a real server, three
trainings.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.long.test_learning import AFTER, JOBS, Reader, handwriting
from tests.support.patience import wait_until
from tests.system.harness import caller, serving
from tests.system.test_jobs import ENDED

WRITTEN, LIES, HONEST = 800, AFTER, AFTER + 5
FEEDBACK = "/v1/feedback"
__all__ = ["handwriting"]  # the fixture


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
