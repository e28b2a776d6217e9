"""A request's line, spelled here: to the byte what structlog makes of the same facts, but for the time."""

import asyncio
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from app.logs.output import configure
from app.logs.requests import RequestLines

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z"


@pytest.fixture(autouse=True)
def _logs_are_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process configures once does not outlive a test."""
    root, before = logging.getLogger(), structlog.get_config()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    yield
    logging.captureWarnings(False)
    structlog.configure(**before)


Fact = tuple[str, str, str, int, float]


async def said(*facts: Fact, quiet: bool = False) -> None:
    """Says these lines, and waits until they are written."""
    lines = RequestLines()
    for name, method, path, status, seconds in facts:
        lines.say(name, method, path, status, seconds, quiet=quiet)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def by_structlog(*facts: Fact, level: str = "info") -> None:
    log = structlog.get_logger("digitserve.requests")
    for name, method, path, status, seconds in facts:
        ms = round(1000 * seconds, 1)
        getattr(log, level)("request", request_id=name, method=method, path=path, status=status, ms=ms)


def timeless(text: str) -> list[str]:
    """Lines, in which each time has become a T."""
    lines, count = re.subn(TIME, "T", text)
    assert count == len(lines.splitlines())
    return lines.splitlines()


PATHS = [
    *[
        "/",
        "/v1/predict",
        "/v1/predict/batch",
        "/v1/models/digits@champion",
        "/v1/files/file_0.1-a",
        "/a%20b",
        "/a?b",
        "/a'b",
        "/a,b",
    ],
    *[
        "",
        "/" + "a" * 199,
        "/" + "a" * 200,
        "/a b",
        '/a"b',
        "/a\\b",
        "/\u00e4",
        "/a\nb",
        "/\x1b[31m",
        "/\udcff",
        "/\x7f",
    ],
    "/" + "\u4e03" * 300,
]
SECONDS = [0.0, 0.00004, 0.00005, 0.0001, 0.00125, 0.99999, 1.0, 12.3456, 3600.0, 1e6, 1 / 3]
FACTS = [("req_0123456789abcdef", "POST", path, 200, 0.001) for path in PATHS]
FACTS += [("a.B_c-9", method, "/v1/predict", 405, 0.01) for method in ("GET", "HEAD", "OPTIONS", "DELETE", "M-SEARCH")]
FACTS += [("x" * 64, "POST", "/v1/predict", status, 0.01) for status in (0, 200, 404, 422, 499, 500, 503)]
FACTS += [("req_1", "POST", "/v1/predict", 200, seconds) for seconds in SECONDS]


async def test_to_the_byte_what_structlog_writes(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")
    await said(*FACTS)
    ours = capsys.readouterr().out
    by_structlog(*FACTS)
    assert timeless(ours) == timeless(capsys.readouterr().out)
    assert len(timeless(ours)) == len(FACTS)


@pytest.mark.parametrize("log_format", ["text", "words", "json"])
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
@pytest.mark.parametrize("quiet", [False, True])
async def test_each_format_and_level_says_what_structlog_says(
    log_format: str, level: str, quiet: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(log_format, level)
    facts = FACTS[1:4]
    await said(*facts, quiet=quiet)
    ours = capsys.readouterr().out
    by_structlog(*facts, level="debug" if quiet else "info")
    theirs = capsys.readouterr().out
    times = rf"{TIME}|\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d"
    assert re.sub(times, "T", ours) == re.sub(times, "T", theirs)
    says = log_format == "json" and level in (["debug"] if quiet else ["debug", "info"])
    assert (len(ours.splitlines()) == 3) or not says


async def test_where_nothing_is_configured_structlog_has_the_line() -> None:
    with structlog.testing.capture_logs() as logs:
        await said(("req_1", "GET", "/", 200, 0.0015))
    assert logs == [
        {
            "event": "request",
            "log_level": "info",
            "request_id": "req_1",
            "method": "GET",
            "path": "/",
            "status": 200,
            "ms": 1.5,
        }
    ]
