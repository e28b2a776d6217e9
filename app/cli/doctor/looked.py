"""All that doctor looks at, one after another; what can't be looked at is a finding too."""

from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from app.cli.doctor import chosen, kept, machine, rows, software, versions
from app.cli.doctor.finding import Finding, bad
from app.errors import AppError
from app.settings import Settings
from app.storage.db import Database
from models_store.errors import StoreError

_DATABASE_SECONDS = 2.0

Check = Callable[[], Iterator[Finding]]


def everything() -> Iterator[Finding]:
    """Each finding, as it is made. A setting that can't be used is one, and no more."""
    settings, refused = Settings.lenient()
    port, serves = machine.port(settings)
    yield from _safely("software", software.python)
    yield from _safely("settings", partial(chosen.unusable, refused))
    yield from _safely("torch", partial(software.torch, settings))
    yield from _safely("extras", partial(software.extras, settings))
    yield from _safely("decoding", software.decoding)
    yield from _safely("settings", partial(chosen.contradictions, settings))
    yield from _safely("store", partial(versions.store, settings))
    yield from _safely("state", partial(kept.folder, settings))
    opened = Database(settings.database, _DATABASE_SECONDS)
    try:
        yield from _of_the_database(settings, opened, serves=serves)
    finally:
        opened.close()
    yield from _safely("keys", partial(chosen.keys, settings, _DATABASE_SECONDS))
    yield from _safely("descriptors", partial(machine.descriptors, settings))
    yield from _safely("memory", partial(machine.memory, settings))
    yield from _safely("data", partial(machine.data, settings))
    yield port


def _of_the_database(settings: Settings, opened: Database, *, serves: bool) -> Iterator[Finding]:
    is_bad = False
    for finding in rows.database(opened, is_file=settings.database_file is not None):
        yield finding
        is_bad = is_bad or (finding.about == "database" and finding.mark == "bad")
    if is_bad:  # each would say the same once more
        return
    yield from _safely("pictures", partial(kept.pictures, settings, opened))
    yield from _safely("jobs", partial(rows.work, opened, serves=serves))
    yield from _safely("backup", partial(rows.backup, opened))
    yield from _safely("audit", partial(rows.log, opened))


def _safely(about: str, check: Check) -> Iterator[Finding]:
    """Its findings, and one more where it can't go on."""
    try:
        yield from check()
    except (OSError, AppError, StoreError, SQLAlchemyError) as error:
        if isinstance(error, OSError):
            why = f"{error.strerror or 'the system refuses'}: {error.filename or ''}".rstrip(": ")
        else:
            why = str(error) if isinstance(error, (AppError, StoreError)) else "the database refuses"
        yield bad(about, f"{about}: it can't be looked at ({why})", "run doctor as the service's user, or as root.")
