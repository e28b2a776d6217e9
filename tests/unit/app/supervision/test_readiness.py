"""What API processes tell their supervisor, through a real pipe; and what it makes of it."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from app.logs import output
from app.supervision.readiness import ANSWERING, FAILED, Readiness, reading, report
from tests.support.patience import until

READY = {"event": "ready", "level": "info", "version": "digits@2", "candidate": "int8"}
ANSWERS = {"event": ANSWERING, "level": "info"}
LOADING = {"event": "version_loading", "level": "info", "version": "digits@2"}
LOADED = {"event": "version_loaded", "level": "info", "version": "digits@2", "candidate": "int8"}
REFUSED = {"event": "version_refused", "level": "error", "version": "digits@2", "why": "It is damaged."}
NOT_READY = {"event": "not_ready", "level": "error", "model": "digits", "why": "It is damaged."}


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def _own_logging() -> Iterator[None]:
    """Logging of the process is as before afterwards."""
    root, pool = logging.getLogger(), logging.getLogger("digitserve.pool")
    before = list(root.handlers), root.level, pool.level
    process = logging.getLogger("digitserve.process")
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    for logger in (pool, process):
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
    structlog.reset_defaults()
    logging.captureWarnings(False)


def told(*events: dict[str, Any], aloud: bool = True, clock: list[float] | None = None) -> list[dict[str, Any]]:
    """What the supervisor says when it hears these events."""
    times = iter(clock or [0.0] * len(events))
    with capture_logs() as said:
        readiness = Readiness({"url": "http://here"}, aloud=aloud, clock=lambda: next(times))
        for event in events:
            readiness.tell(dict(event))
    return [dict(line) for line in said]


def names(said: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in said]


def test_listening_is_said_when_the_first_answers_and_once() -> None:
    said = told(LOADING, LOADING, LOADED, READY, ANSWERS, LOADED, READY, ANSWERS)
    assert names(said) == ["version_loading", "listening"]
    facts = {"url": "http://here", "ready": True, "version": "digits@2", "candidate": "int8"}
    assert said[1] == {"event": "listening", "log_level": "info", **facts}


def test_it_is_not_said_before_one_answers() -> None:
    assert names(told(LOADING, LOADED, READY)) == ["version_loading"]


def test_it_says_when_no_model_answers() -> None:
    said = told(LOADING, REFUSED, NOT_READY, ANSWERS)
    assert names(said) == ["version_loading", "version_refused", "listening"]  # the reason once
    assert (said[2]["ready"], said[2]["why"]) == (False, "It is damaged.")


def test_where_children_log_for_themselves_it_says_nothing_else() -> None:
    assert names(told(LOADING, REFUSED, NOT_READY, ANSWERS, aloud=False)) == ["listening"]


def test_what_comes_later_is_said_once_for_all_processes_and_again_when_it_is_new() -> None:
    later = {**LOADED, "version": "digits@3"}
    clock = [0.0, 1.0, 100.0]
    assert names(told(READY, ANSWERS, later, later, later, clock=clock)) == ["listening", *2 * ["version_loaded"]]


@pytest.mark.usefixtures("_own_logging")
@pytest.mark.parametrize("level", ["info", "error"])
async def test_a_process_is_heard_at_every_level(
    pipe: tuple[int, int], level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[dict[str, Any]] = []
    output.configure("json", level)
    report(pipe[1], only=False)
    log = structlog.get_logger("digitserve.pool")
    with reading(pipe[0], heard.append):
        log.info("ready", version="digits@2", candidate="int8", secret="no fact of the protocol")
        log.error("not_ready", why="x" * 100_000)
        await until(lambda: len(heard) == 2, progress=lambda: len(heard))
    assert heard[0] == READY
    assert len(heard[1]["why"]) == 500
    assert ('"ready"' in capsys.readouterr().out) == (level == "info")


@pytest.mark.usefixtures("_own_logging")
def test_where_the_supervisor_speaks_a_process_keeps_only_its_tracebacks(
    pipe: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    output.configure("words", "info")
    report(pipe[1], only=True)
    log = structlog.get_logger("digitserve.pool")
    log.info("version_loading", version="digits@2")
    assert capsys.readouterr().out == ""
    log.error("version_refused", version="digits@2", exc_info=ValueError("odd"))
    out = capsys.readouterr().out
    assert out.startswith("problem: digits@2 is refused") and "ValueError: odd" in out
    assert os.read(pipe[0], 65_536).count(b"\n") == 1


@pytest.mark.usefixtures("_own_logging")
def test_a_supervisor_that_is_gone_breaks_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    output.configure("json", "error")
    report(write, only=False)
    structlog.get_logger("digitserve.pool").info("ready")
    os.close(write)


def test_a_start_that_failed_is_the_commands_last_word_and_not_said_here() -> None:
    assert told({"event": FAILED, "level": "error", "why": "There is no GPU."}) == []
