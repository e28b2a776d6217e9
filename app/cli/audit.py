"""`digitserve audit`: who did what. It reads the database of the settings, and needs no server."""

import argparse
import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.cli.asides import aside
from app.cli.refusal import Refusal

if TYPE_CHECKING:
    from app.storage.audit.reading import AuditLog, Wanted

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_PAGE, _MOST = 50, 1000
_TIMES = "a day or a time in UTC, such as 2026-11-30 or 2026-11-30T18:00"


def add_commands(commands: "Commands") -> None:
    """Adds `audit` and its actions."""
    from app.storage.audit.record import What

    audit = commands.add_parser("audit", help="who did what: promotions, deletions, keys, jobs")
    actions = audit.add_subparsers(metavar="ACTION")
    _add_filters(audit, list(What))
    audit.set_defaults(command=_list)
    listed = actions.add_parser("list", help="the entries, the newest first (what `audit` alone does)")
    _add_filters(listed, list(What))
    listed.set_defaults(command=_list)
    check = actions.add_parser("check", help="find out whether entries were changed or taken away")
    check.add_argument("--expect", metavar="NUMBER:DIGEST", help="what an earlier check printed and somebody noted")
    check.set_defaults(command=_check)
    trim = actions.add_parser("trim", help="delete old entries, for good; that is an entry too")
    trim.add_argument("--before", required=True, help=f"those that are older: {_TIMES}")
    trim.set_defaults(command=_trim)


def _add_filters(parser: argparse.ArgumentParser, words: list[str]) -> None:
    parser.add_argument("--since", help=f"then or later: {_TIMES}")
    parser.add_argument("--until", help=f"before then: {_TIMES}")
    parser.add_argument("--what", action="append", choices=[str(word) for word in words], metavar="WHAT",
                        help=f"once or more: {', '.join(words)}")  # fmt: skip
    parser.add_argument("--who", help="one name, or all of a kind, such as key: or user:")
    parser.add_argument("--target", help="on what, such as digits@2 or a job's id")
    parser.add_argument("--limit", type=int, default=_PAGE, help=f"how many (default {_PAGE}, most {_MOST})")
    parser.add_argument("--after", type=int, metavar="NUMBER", help="older than this entry: the next page")
    parser.add_argument("--json", action="store_true", help="one object a line, for programs")


@contextmanager
def _log() -> Iterator["AuditLog"]:
    """The entries of the settings' database. Raises Refusal."""
    from app.errors import AppError
    from app.settings import WorkerSettings
    from app.storage.audit.reading import AuditLog
    from app.storage.db import Database

    database = Database(WorkerSettings().database)
    try:
        with aside():
            yield AuditLog(database)
    except AppError as refusal:
        raise Refusal(str(refusal)) from None
    finally:
        database.close()


def _list(options: argparse.Namespace) -> None:
    if not 1 <= options.limit <= _MOST:
        raise Refusal(f"--limit takes a whole number from 1 to {_MOST}.", 2)
    wanted = _wanted(options)
    from app.cli import audit_tables

    with _log() as log:
        found, more = log.list(options.limit, options.after, wanted)
        names = {} if options.json else _key_names()
    if options.json:
        audit_tables.print_lines(found)
    else:
        audit_tables.print_entries(found, names, more=more)


def _wanted(options: argparse.Namespace) -> "Wanted":
    from app.storage.audit.reading import Wanted

    for name in ("who", "target"):
        if "\x00" in (getattr(options, name) or ""):
            raise Refusal(f"--{name} can't hold the character NUL.", 2)
    return Wanted(
        since=None if options.since is None else moment(options.since, "--since"),
        until=None if options.until is None else moment(options.until, "--until"),
        what=options.what or (),
        who=options.who,
        target=options.target,
    )


def moment(text: str, option: str) -> float:
    """Unix seconds of a day or a time, in UTC where it does not say. Raises Refusal."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(f"{option} takes {_TIMES}.", 2) from None
    return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()


def _key_names() -> dict[str, str]:
    """What people call the keys, by the names that entries have for them."""
    from app.settings import WorkerSettings
    from app.storage.db import Database
    from app.web.access.key_store import KeyStore

    database = Database(WorkerSettings().database)
    try:
        return {f"key:{row.id}": row.name for row in KeyStore(database).all()}
    finally:
        database.close()


def _check(options: argparse.Namespace) -> int:
    number, digest = _expected(options.expect)
    with _log() as log:
        found = log.check(number, digest)
    if found.broken is not None:
        print(f"The entry {found.broken} is not what was written, or entries before it are gone. Compare a backup.")
        return 1
    if not found.is_expected:
        print(f"The entry {number} has another digest than that: entries were changed. Compare a backup.")
        return 1
    if not found.count:
        print("There is no entry.")
        return 0
    print(
        f"Entries: {found.count:,}, each as it was written. Note this elsewhere, and give it to --expect some day:\n"
        f"{found.number}:{found.digest}"
    )
    return 0


def _expected(text: str | None) -> tuple[int | None, str | None]:
    if text is None:
        return None, None
    number, _, digest = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(digest) == 64):
        raise Refusal("--expect takes NUMBER:DIGEST, as `digitserve audit check` prints it.", 2)
    return int(number), digest


def _trim(options: argparse.Namespace) -> None:
    from app.storage.audit.acting import as_system_user

    before = moment(options.before, "--before")
    as_system_user()
    with _log() as log:
        count = log.trim(before)
    print(f"Entries that are deleted: {count:,}." if count else "No entry is so old. None is deleted.")
