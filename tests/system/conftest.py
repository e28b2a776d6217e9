"""What several stories of a real server start with."""

import pytest


@pytest.fixture
def no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is started, where a test is not about it."""
    monkeypatch.setenv("DIGITSERVE_JOB_WORKERS", "0")
