"""What is installed is tried, not only looked up."""

import sys

import pytest

from app.cli.doctor import software
from app.settings import Settings
from tests.integration.cli.doctor.found import marked

_URL = "http://127.0.0.1:4318/v1/traces"


def test_here_everything_is_there() -> None:
    settings = Settings()
    found = [*software.python(), *software.torch(settings), *software.extras(settings), *software.decoding()]
    assert marked(found) == []
    said = marked(found, "ok")
    assert any(one.startswith("int8 is computed by ") for one in said)
    assert "a child that decodes pictures starts and answers" in said


def test_a_child_that_cannot_live_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")  # it starts, and ends before it answers
    (said,) = marked(software.decoding())
    assert "no child that decodes pictures can be started" in said and "ulimit -u" in said


def test_an_interpreter_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "No such file" in marked(software.decoding())[0]


def test_a_gpu_that_is_asked_for_and_not_there_is_told() -> None:
    import torch

    found = marked(software.torch(Settings(device="cuda")))
    assert len(found) == (0 if torch.cuda.is_available() else 1)


def test_an_extra_that_a_setting_needs_and_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert marked(software.extras(Settings(traces_url=_URL)), "ok") == ["traces: OpenTelemetry is installed"]
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    (said,) = marked(software.extras(Settings(traces_url=_URL)))
    assert "digitserve[tracing]" in said
    assert list(software.extras(Settings())) == []
