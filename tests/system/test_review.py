"""Uncertain pictures in real processes: predicted by one server, shown by the next, swept by a worker."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import ROOT, republished
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.pictures import png
from tests.support.reviewing import REVIEW
from tests.support.uploading import lying_in
from tests.system.harness import caller, serving, until
from tests.unit.models_store.datasets.test_clean import unit


def test_pictures_outlive_the_server_and_go_when_their_days_are_over(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = registry.resolve(Ref("digits")).manifest.calibration
    doubtful = republished(registry, calibration=dataclasses.replace(known, threshold=1.01)).ref
    home = tmp_path / "state" / "review"
    for name, value in {"KEEP_UNCERTAIN": "1", "JOB_WORKERS": "0", "WORKERS": "1"}.items():
        monkeypatch.setenv(f"DIGITSERVE_{name}", value)
    with serving(tmp_path / "first") as (_, url), caller(url) as http:
        for seed in range(4):
            request = {"params": {"model": doubtful}, "files": {"file": png(unit(seed))}}
            # 503 as long as it is being loaded
            wait_until(lambda request=request: http.post("/v1/predict", **request).status_code == 200)  # type: ignore[misc]
        wait_until(lambda: len(lying_in(home)) == 4)
    with serving(tmp_path / "second") as (_, url), caller(url) as http:
        with worker(tmp_path / "patient"):
            until(tmp_path / "patient", "worker_ready")
            page = http.get(REVIEW).json()
            assert {one["id"] for one in page["data"]} == set(lying_in(home)) and len(page["data"]) == 4
        monkeypatch.setenv("DIGITSERVE_REVIEW_KEPT_DAYS", "0.00001")
        with worker(tmp_path / "impatient"):
            wait_until(lambda: lying_in(home) == [])
        assert http.get(REVIEW).json()["data"] == []


@contextmanager
def worker(log: Path) -> Iterator[None]:
    """One that a supervisor would have started."""
    with log.open("w") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "app", "worker", "--beside"], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        child.terminate()
        child.wait(PATIENCE_SECONDS)
