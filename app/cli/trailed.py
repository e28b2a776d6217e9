"""What commands do to the store is written into the audit log of the service beside it, with the user who typed it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.cli.asides import aside

if TYPE_CHECKING:
    from app.storage.audit.record import What
    from app.storage.audit.trail import Trail
    from models_store.registry import Registry


@contextmanager
def _trail() -> "Iterator[Trail | None]":
    """The audit log of the service beside this store; None where none has ever run there."""
    from app.settings import WorkerSettings
    from app.storage.audit.acting import acting_as, system_user
    from app.storage.audit.trail import Trail
    from app.storage.db import Database

    settings = WorkerSettings()
    file = settings.database_file
    if file is not None and not file.exists():
        yield None
        return
    database = Database(settings.database)
    try:
        with acting_as(system_user()), aside():
            yield Trail(database, _say_unwritten)
    finally:
        database.close()


def _say_unwritten(**facts: object) -> None:
    said = " ".join(f"{name}={value}" for name, value in facts.items())
    print(f"digitserve: the audit log can't be written; note it yourself: {said}", file=sys.stderr)


@contextmanager
def moving(registry: "Registry") -> "Iterator[Registry]":
    """The store, for whoever moves aliases of it."""
    from app.storage.audit.moves import AuditedRegistry

    with _trail() as trail:
        yield AuditedRegistry(registry, trail) if trail else registry


@contextmanager
def deleting(what: "What", target: str | None) -> "Iterator[dict[str, Any]]":
    """Around a deletion, which is announced and concluded in the audit log."""
    with _trail() as trail:
        if trail is None:
            yield {}
            return
        with trail.around(what, target) as told:
            yield told
