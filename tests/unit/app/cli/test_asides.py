"""What a command prints is not mixed with what is logged meanwhile."""

import pytest
import structlog

from app.cli.asides import aside


def test_the_log_is_beside_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger("digitserve.test")
    with aside():
        log.error("logged_aside")
        print("printed")
    log.error("logged_after")
    said = capsys.readouterr()
    assert "logged_aside" in said.err and said.out.startswith("printed\n")
    assert "logged_aside" not in said.out and "logged_after" in said.out
