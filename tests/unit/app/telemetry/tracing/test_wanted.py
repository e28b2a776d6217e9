"""Traces are wanted where a receiver is named; the extra must be there then, and nowhere else."""

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import CannotStart
from app.telemetry.tracing import wanted
from app.telemetry.tracing.traces import Traces

URL = "http://127.0.0.1:1/v1/traces"


def without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a package is not installed."""
    found: Callable[..., Any] = importlib.util.find_spec

    def missing(asked: str, *more: Any) -> Any:
        if asked.startswith(name):
            raise ModuleNotFoundError(asked)
        return found(asked, *more)

    monkeypatch.setattr(importlib.util, "find_spec", missing)


def test_nothing_is_wanted_where_no_receiver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without("opentelemetry", monkeypatch)
    wanted.check("")
    assert wanted.traces("", 1.0, "api-1") is None


@pytest.mark.parametrize("name", ["opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"])
def test_without_the_extra_it_is_said_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without(name, monkeypatch)
    with pytest.raises(CannotStart, match=r'pip install "digitserve\[tracing\]"'):
        wanted.check(URL)
    with pytest.raises(CannotStart, match="DIGITSERVE_TRACES_URL"):
        wanted.traces(URL, 1.0, "api-1")


def test_with_it_they_can_be_made() -> None:
    assert isinstance(wanted.traces(URL, 1.0, "api-1"), Traces)
