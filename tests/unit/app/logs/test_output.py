"""Logs of this service and of its libraries: one line each, in the one format that was chosen."""

import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog

from app.errors import BadRequest
from app.logs.output import chosen, configure
from app.web.multipart import parts


@pytest.fixture(autouse=True)
def _logs_are_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process configures once does not outlive a test."""
    root, before = logging.getLogger(), structlog.get_config()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    for library in map(logging.getLogger, ("alembic", "python_multipart")):
        monkeypatch.setattr(library, "level", library.level)
    yield
    logging.captureWarnings(False)
    structlog.configure(**before)


def picture_is_read() -> None:
    """Fails with somebody's picture among its locals."""
    private = "-".join("pixels")
    raise ArithmeticError(len(private))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("log_format", ["json", "text", "words"])
def test_a_format_that_is_named_is_taken(log_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for out in (io.StringIO(), Terminal()):
        monkeypatch.setattr(sys, "stdout", out)
        assert chosen(log_format) == log_format


def test_a_person_at_a_terminal_reads_words_and_a_program_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for out, log_format in ((Terminal(), "words"), (io.StringIO(), "json")):
        monkeypatch.setattr(sys, "stdout", out)
        assert chosen("auto") == log_format
    configure("auto", "info")
    structlog.get_logger("digitserve.x").info("hello", count=7)
    assert json.loads(out.getvalue())["count"] == 7


def test_our_events_and_a_librarys_sentences_are_objects_of_one_shape(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")
    with structlog.contextvars.bound_contextvars(job="ftjob-1"):
        structlog.get_logger("digitserve.x").warning("it_waits", why="a\nb")
    logging.getLogger("library").error("It has %d parts", 7)
    ours, theirs = map(json.loads, capsys.readouterr().out.splitlines())
    for line in (ours, theirs):
        assert line.pop("timestamp").endswith("Z")
    assert ours == {"event": "it_waits", "level": "warning", "why": "a\nb", "job": "ftjob-1"}
    assert theirs == {"event": "It has 7 parts", "level": "error"}


def test_less_than_the_level_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "warning")
    log = structlog.get_logger("digitserve.x")
    log.info("little")
    log.error("much")
    logging.getLogger("library").info("little")
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["much"]


@pytest.mark.parametrize("log_format", ["json", "text", "words"])
def test_a_traceback_says_where_and_shows_no_ones_picture(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format, "info")
    try:
        picture_is_read()
    except ArithmeticError:
        structlog.get_logger("digitserve.x").exception("unforeseen")
    out = capsys.readouterr().out
    assert "ArithmeticError: 11" in out and "picture_is_read" in out
    assert "p-i-x-e-l-s" not in out


def test_in_words_a_librarys_small_talk_is_left_out_and_its_problems_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("words", "info")
    structlog.get_logger("digitserve.x").info("version_loading", version="digits@1")
    structlog.get_logger("digitserve.x").info("of_no_interest")
    logging.getLogger("library").info("Here I am")
    logging.getLogger("library").warning("The disk is slow")
    assert capsys.readouterr().out.splitlines() == ["loading digits@1 ...", "problem: The disk is slow"]


def test_pythons_warnings_are_lines_and_alembics_small_talk_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "debug")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("It goes away.", UserWarning, stacklevel=1)
    logging.getLogger("alembic.runtime.migration").info("Context impl SQLiteImpl.")
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["level"], "It goes away." in line["event"]) == ("warning", True)


def test_a_form_that_is_malformed_is_no_line_besides_its_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever sends them could fill a disk with these."""
    configure("json", "info")
    with pytest.raises(BadRequest):
        parts(b"--q\r\nX\x00: y\r\n\r\n--q--", "multipart/form-data; boundary=q")
    assert capsys.readouterr().out == ""
