"""What a line of the log holds: so much and no more, and nothing of what was read, in every format."""

import asyncio
import json
import logging
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pydantic
import pytest
import structlog
from PIL import Image
from sqlalchemy import text

from app.logs import bounds, output
from app.storage.db import Database

SECRET = "Geheim-0815"
FORMATS = ["json", "text", "words"]


@pytest.fixture(autouse=True)
def _logs_are_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root, alembic, before = logging.getLogger(), logging.getLogger("alembic"), structlog.get_config()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setattr(alembic, "level", alembic.level)
    yield
    logging.captureWarnings(False)
    structlog.configure(**before)


class Strict(pydantic.BaseModel):
    number: int


def of_a_group() -> None:
    async def all_at_once() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(int, SECRET))

    asyncio.run(all_at_once())


def behind_another() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(f"It can't be read: {error}") from error


def of_many_words() -> None:
    raise ValueError(f"It isn't right:\n{SECRET}\n")


def of_sql() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Database(f"sqlite:///{folder}/x.db")) as database,
        database.reading() as connection,
    ):
        connection.execute(text("SELECT * FROM nothing WHERE a = :a"), {"a": SECRET})


READERS: list[Callable[[], object]] = [
    lambda: int(SECRET),
    lambda: float(f"it's {SECRET}"),
    lambda: dict[str, int]()[SECRET],
    lambda: SECRET.encode().decode("utf-16-le").encode("ascii"),
    lambda: (SECRET.encode() + b"\xff").decode(),
    lambda: json.loads(f'{{"{SECRET}": '),
    lambda: Strict.model_validate({"number": SECRET}),
    lambda: getattr(object(), SECRET),
    lambda: uuid.UUID(SECRET),
    lambda: Image.new(SECRET, (1, 1)),
    lambda: logging.getLogger("x").setLevel(SECRET),
    of_a_group,
    behind_another,
    of_many_words,
    of_sql,
]


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("read", READERS)
def test_an_error_that_quotes_what_it_was_given_is_logged_without_it(
    log_format: str, read: Callable[[], object], capsys: pytest.CaptureFixture[str]
) -> None:
    output.configure(log_format, "info")
    try:
        read()
    except Exception:
        structlog.get_logger("digitserve.x").exception("unforeseen")
        logging.getLogger("library").exception("It broke")
        logging.getLogger("library").error("It broke: %r", sys.exc_info()[1])
    else:
        pytest.fail("nothing was raised")
    out = capsys.readouterr().out
    assert SECRET not in out and "Error" in out and Path(__file__).name in out


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize(
    "long",
    ["x" * 300_000, "ä\n\x1b[31m" * 50_000, ["x" * 100] * 9_000, {"a": "\x00" * 90_000}, b"x" * 9_000, 10**4000],
    ids=["text", "steering", "list", "mapping", "bytes", "number"],
)
def test_a_line_has_an_end_and_stays_a_line(log_format: str, long: object, capsys: pytest.CaptureFixture[str]) -> None:
    output.configure(log_format, "info")
    log = structlog.get_logger("digitserve.x")
    log.error("it_is_long", why=long, path=long, **{f"fact_{number}": long for number in range(60)})
    logging.getLogger("library").error("It is long: %s", long)
    out = capsys.readouterr().out
    assert all(len(line.encode()) <= bounds.LINE_BYTES for line in out.splitlines())
    begun = [line for line in out.splitlines() if not line.startswith("  ")]  # in words, a sentence may go on below
    assert len(begun) == 2 and "\x1b" not in out
    if log_format == "json":
        ours, theirs = map(json.loads, out.splitlines())
        assert ours["event"] == "it_is_long" and theirs["event"].startswith("It is long")


def deep(left: int) -> int:
    return 1 // left if left == 0 else deep(left - 1) + sum(map(len, ["x" * 10]))


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_long_traceback_keeps_its_two_ends(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.configure(log_format, "info")

    def first() -> None:
        second(40)

    def second(left: int) -> None:
        second(left - 1) if left % 2 else third(left - 1) if left else deep(0)

    def third(left: int) -> None:
        second(left)

    try:
        first()
    except ZeroDivisionError:
        structlog.get_logger("digitserve.x").exception("unforeseen")
    out = capsys.readouterr().out
    assert "first" in out and "characters" in out and "ZeroDivisionError" in out
    assert len(out.encode()) <= bounds.LINE_BYTES + 1


def test_our_own_files_are_named_and_errors_that_cannot_be_spelled_are_errors_all_the_same() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert bounds.raised((Silent, Silent(), None)).endswith("Silent: …")
    with pytest.raises(FileNotFoundError) as missing:
        open("/nowhere/store")  # noqa: SIM115
    assert "No such file or directory: /nowhere/store" in bounds.raised((OSError, missing.value, None))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("can't read 'a' and \"it's b\"", "can't read '…' and '…'"),
        (r"bad 'it\'s \"x\"' here", "bad '…' here"),
        ("an end that is missing: 'abc", "an end that is missing: '…'"),
        ("between `a` and `b", "between '…' and '…'"),
        ("nothing to leave out", "nothing to leave out"),
    ],
)
def test_what_stands_between_quotes_is_left_out(said: str, kept: str) -> None:
    assert bounds.unquoted(said) == kept
