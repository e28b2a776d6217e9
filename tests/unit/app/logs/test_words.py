"""What a person reads on a terminal, and what is left out."""

import logging

import pytest

from app.logs.words import is_worth_saying, render


def said(event: str, **facts: object) -> str:
    return render(None, "", {"level": "info", "timestamp": "2026-01-01T00:00:00.000000Z", **facts, "event": event})


def record(event: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("any", level, "", 0, event, None, None)


@pytest.mark.parametrize(
    ("event", "facts", "sentence"),
    [
        ("starting", {"version": "1.2.3"}, "DigitServe 1.2.3 is starting ..."),
        ("version_loading", {"version": "digits@2"}, "loading digits@2 ..."),
        ("version_loaded", {"version": "digits@3", "candidate": "int8", "seconds": 1}, "loaded digits@3 (int8)"),
        ("stopped", {}, "\rstopped"),
    ],
)
def test_an_event_is_a_sentence(event: str, facts: dict[str, object], sentence: str) -> None:
    assert said(event, **facts) == sentence


@pytest.mark.parametrize(("workers", "processes"), [(1, "1 process"), (2, "2 processes")])
def test_ready_comes_with_the_address(workers: int, processes: str) -> None:
    facts = {"workers": workers, "ready": True, "version": "digits@2", "candidate": "int8"}
    assert said("listening", url="http://127.0.0.1:8000", **facts).splitlines() == [
        f"ready: digits@2 answers (int8, {processes})",
        "Open http://127.0.0.1:8000 in a browser. Ctrl-C stops it.",
    ]


def test_up_without_a_model_says_so() -> None:
    sentence = said("listening", url="http://127.0.0.1:8000", workers=1, ready=False, why="it is damaged")
    assert "not ready" in sentence and "digitserve doctor" in sentence
    assert not any(line.startswith("ready") for line in sentence.splitlines())


@pytest.mark.parametrize(("host", "opened"), [("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")])
def test_an_address_that_means_all_is_opened_on_this_machine(host: str, opened: str) -> None:
    sentence = said("listening", url=f"http://{host}:80", workers=1, ready=True, version="digits@2", candidate="fp32")
    assert f"Open http://{opened}:80 in a browser" in sentence
    assert "Other machines" in sentence


def test_a_request_is_one_short_line() -> None:
    line = said("request", method="POST", path="/v1/predict", status=200, ms=12.5, request_id="req_1")
    assert line.endswith("POST /v1/predict  200  12.5 ms")
    assert "req_1" not in line


def test_a_terminal_obeys_nothing_that_a_client_sends() -> None:
    line = said("request", method="GET", path="/\x1b[2J\r\n\u202e" + "x" * 1000, status=404, ms=1)
    assert "/?[2J???" in line
    assert line.isprintable()
    assert len(line) < 600


def test_problems_are_always_said() -> None:
    assert said("version_refused", level="error", version="digits@3", why="It is damaged.") == (
        "problem: digits@3 is refused: It is damaged."
    )
    assert said("process_ended", level="error", role="api", slot=1, code=-9) == (
        "problem: a process that answers has ended (code -9); another takes its place"
    )
    assert said("disk_odd", level="warning", folder="/x", why="it is full") == "problem: disk odd folder=/x: it is full"
    assert said("Invalid HTTP request received.", level="warning") == "problem: Invalid HTTP request received."


def test_a_librarys_message_stays_as_it_is() -> None:
    trace = "Traceback:\n  in lifespan_context\n" + "  and on\n" * 200 + "OSError: /srv/my_store\x1b[2J"
    line = said(trace, level="error")
    assert line == f"problem: {trace}".replace("\x1b", "?").replace("\nOSError", "\n  OSError")  # no sentence of ours


def test_a_fact_that_is_missing_breaks_no_sentence() -> None:
    assert said("process_ended", level="error") == (
        "problem: a process that works has ended (code ?); another takes its place"
    )


def test_a_traceback_follows_its_sentence() -> None:
    first, *rest = said("unforeseen", level="error", exception="Traceback\n  line 1").splitlines()
    assert first.startswith("problem: ")
    assert rest == ["Traceback", "  line 1"]


def test_small_talk_is_left_out() -> None:
    for event in ("starting", "listening", "request", "stopped"):
        assert is_worth_saying(record({"event": event}))
    for small in ({"event": "process_started"}, {"event": "worker_ready"}, "Started server process [1]"):
        assert not is_worth_saying(record(small))
    assert is_worth_saying(record("a library warns", logging.WARNING))
    assert is_worth_saying(record({"event": "anything"}, logging.ERROR))
