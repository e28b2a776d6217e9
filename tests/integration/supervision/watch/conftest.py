"""No look is given up because the machine is busy."""

from functools import partial

import pytest

from app.supervision.watch import sight
from app.supervision.watch.glance import Glance
from tests.support.patience import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "Glance", partial(Glance, patience_seconds=PATIENCE_SECONDS))
