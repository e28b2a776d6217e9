"""Uncertain pictures in real processes: predicted by one server, shown by the next, swept by a worker."""

import dataclasses
from pathlib import Path

import pytest

from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.patience import wait_until
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
    monkeypatch.setenv("DIGITSERVE_KEEP_UNCERTAIN", "1")
    monkeypatch.setenv("DIGITSERVE_JOB_WORKERS", "0")
    monkeypatch.setenv("DIGITSERVE_WORKERS", "2")
    with (
        serving(tmp_path / "first") as (_, url),
        caller(url) as http,
    ):
        for seed in range(4):
            request = {"params": {"model": doubtful}, "files": {"file": png(unit(seed))}}
            # 503 as long as it is being loaded
            wait_until(lambda request=request: http.post("/v1/predict", **request).status_code == 200)  # type: ignore[misc]
        wait_until(lambda: len(lying_in(home)) == 4)
    monkeypatch.setenv("DIGITSERVE_JOB_WORKERS", "1")
    monkeypatch.setenv("DIGITSERVE_WORKERS", "1")
    with (
        serving(tmp_path / "second") as (_, url),
        caller(url) as http,
    ):
        until(tmp_path / "second", "worker_ready")
        page = http.get(REVIEW).json()
        assert {one["id"] for one in page["data"]} == set(lying_in(home)) and len(page["data"]) == 4
    monkeypatch.setenv("DIGITSERVE_REVIEW_KEPT_DAYS", "0.00001")
    with (
        serving(tmp_path / "third") as (_, url),
        caller(url) as http,
    ):
        until(tmp_path / "third", "worker_ready")
        wait_until(lambda: lying_in(home) == [])
        assert http.get(REVIEW).json()["data"] == []
