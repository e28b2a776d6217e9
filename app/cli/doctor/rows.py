"""The database: does it answer, is it whole and of this release; jobs and workers; backups; the audit log."""

import datetime
import time
from collections.abc import Iterator

from sqlalchemy import Connection, func, select, text

from app.cli.doctor.finding import Finding, bad, note, ok
from app.cli.doctor.room import held
from app.errors import NOTHING_LASTS
from app.jobs.job import HELD, State
from app.jobs.tables import jobs
from app.storage.audit.reading import AuditLog, Wanted
from app.storage.audit.record import ActOutcome, What
from app.storage.audit.tables import audit
from app.storage.db import HEAD, Database, now

_LATE_SECONDS = 60.0  # after the end of a lease, which another worker takes within some seconds
_WAITING_SECONDS = 600.0  # in the queue, while nobody works
_CLOCK_SECONDS = 5.0
_OPEN_SECONDS = 300.0  # an act on files takes no longer
_BACKUP_DAYS = 7
_DAY = 86_400
_SHOWN = 3


def database(opened: Database, *, is_file: bool) -> Iterator[Finding]:
    """Whether it can be used. Raises nothing."""
    if opened.ballast is not None:
        yield from held("database", opened.ballast.bytes())
    try:
        opened.check()
        with opened.looking("alembic_version") as connection:
            if connection is None:
                yield note("database", "database: there is none yet; the first start makes it")
                return
            yield from _whole(connection, is_file=is_file)
            yield from _clock(connection)
    except NOTHING_LASTS as refusal:
        what = "start it, or name another with DIGITSERVE_DATABASE_URL"
        if refusal.code == "database_unusable":
            what = "restore it from a backup (`digitserve restore`), or name another with DIGITSERVE_DATABASE_URL"
        yield bad("database", f"database: {refusal}", f"{what}.")


def _whole(connection: Connection, *, is_file: bool) -> Iterator[Finding]:
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision != HEAD:
        yield note(
            "database", f"database: it is of an earlier release ({revision}); the next start brings it to {HEAD}"
        )
    if is_file:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            yield bad(
                "database", "database: SQLite finds it damaged", "stop the server and restore it: `digitserve restore`."
            )
            return
    yield ok("database", "database: it answers and is whole" if is_file else "database: it answers")


def _clock(connection: Connection) -> Iterator[Finding]:
    theirs = float(connection.execute(select(now())).scalar_one())
    if abs(theirs - time.time()) > _CLOCK_SECONDS:
        yield note(
            "clock", f"clock: the database's differs from this machine's by {abs(theirs - time.time()):.0f} s",
            "run chrony or systemd-timesyncd on both.",
        )  # fmt: skip
    latest = connection.execute(select(func.max(jobs.c.created_at))).scalar()
    if latest is not None and latest > theirs + _CLOCK_SECONDS:
        yield note(
            "clock", f"clock: there are jobs from the future ({_time(latest)} UTC), so it was set back",
            "nothing: a worker dates them to now. Run chrony or systemd-timesyncd.",
        )  # fmt: skip
    if theirs < 1_700_000_000:
        yield bad("clock", f"clock: it says {_time(theirs)} UTC", "set it; run chrony or systemd-timesyncd.")


def work(opened: Database, *, serves: bool) -> Iterator[Finding]:
    """Jobs that nobody does. `serves` says whether a server runs, whose workers should. Raises one of NOTHING_LASTS."""
    with opened.looking(jobs.name) as connection:
        if connection is None:
            return
        at = float(connection.execute(select(now())).scalar_one())
        held_now = select(jobs.c.id, jobs.c.lease_until).where(jobs.c.state.in_(HELD))
        working = connection.execute(held_now).all()
        late = [row.id for row in working if (row.lease_until or 0.0) < at - _LATE_SECONDS]
        waiting = select(jobs.c.id).where(jobs.c.state == State.QUEUED, jobs.c.created_at < at - _WAITING_SECONDS)
        queued = list(connection.execute(waiting.order_by(jobs.c.created_at)).scalars())
    start = "is there a worker? See DIGITSERVE_JOB_WORKERS, or start `digitserve worker`; its log says why it stands."
    found = bad if serves else note
    if late:
        yield found("jobs", f"jobs: the workers of {_some(late)} are lost, and nobody takes them over", start)
    if queued and len(working) == len(late):
        yield found("jobs", f"jobs: {len(queued):,} wait for over ten minutes, and nobody works", start)
    if not late and not queued:
        yield ok("jobs", f"jobs: {len(working):,} run, none is stuck")


def backup(opened: Database) -> Iterator[Finding]:
    """When the last one was made, as the audit log knows. Raises one of NOTHING_LASTS."""
    make = "`digitserve backup` makes one while the server runs."
    found, _ = AuditLog(opened).list(1, None, Wanted(what=[What.BACKUP_MADE]))
    if not found:
        yield note("backup", "backup: none was made of this database", make)
        return
    days = (time.time() - found[0].entry.at) / _DAY
    said = f"backup: the last one was made {_time(found[0].entry.at)} UTC"
    yield note("backup", f"{said}, {days:.0f} days ago", make) if days > _BACKUP_DAYS else ok("backup", said)


def log(opened: Database) -> Iterator[Finding]:
    """Whether the audit log is whole, and what it does not know. Raises one of NOTHING_LASTS."""
    checked = AuditLog(opened).check()
    if checked.broken is not None:
        yield bad(
            "audit", f"audit: the entry {checked.broken} is not what was written, or entries before it are gone",
            "compare a backup; whoever may write the database can do that.",
        )  # fmt: skip
        return
    lost = _unconcluded(opened)
    if lost:
        yield note(
            "audit", f"audit: nobody knows how these acts ended, because a crash came between: {_some(lost)}",
            "compare `digitserve audit` with `digitserve models list`.",
        )  # fmt: skip
    yield ok("audit", f"audit: {checked.count:,} entries, each as it was written")


def _unconcluded(opened: Database) -> list[str]:
    with opened.looking(audit.name) as connection:
        if connection is None:
            return []
        over = select(audit.c.refers_to).where(audit.c.refers_to.is_not(None))
        begun = select(audit.c.number).where(
            audit.c.outcome == ActOutcome.BEGUN, audit.c.number.not_in(over), audit.c.at < now() - _OPEN_SECONDS
        )
        return [str(number) for number in connection.execute(begun.order_by(audit.c.number)).scalars()]


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _time(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M")
