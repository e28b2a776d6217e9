"""What a backup keeps of this service: where it lies, which rows have files, and what is done where it comes back."""

from pathlib import Path
from typing import Any

from sqlalchemy import Select, select

from app.feedback.tables import feedback
from app.files.store import DATA
from app.files.tables import files
from app.jobs.job import ENDED
from app.jobs.leases import Leases
from app.jobs.tables import jobs
from app.review.tables import review
from app.settings import WorkerSettings
from app.shadow.tables import differences
from app.storage.audit.record import What
from app.storage.audit.trail import Trail
from app.storage.backup.contents import Contents
from app.storage.backup.make import Made
from app.storage.backup.pictures import RowFiles, RowNames
from app.storage.backup.places import Places
from app.storage.blobs import PICTURE
from app.storage.db import HEAD, Database

_GONE = "The service was restored from a backup; another attempt goes on from the last whole epoch that is in it."
_unlabelled: Select[Any] = select(differences.c.id).where(differences.c.label.is_(None))  # the others' are gone

NAMES = RowNames(
    files=(
        RowFiles("feedback", PICTURE, select(feedback.c.id)),
        RowFiles("review", PICTURE, select(review.c.id)),
        RowFiles("shadow", PICTURE, _unlabelled),
        RowFiles("files", DATA, select(files.c.id)),
    ),
    jobs=select(jobs.c.id, jobs.c.attempt, jobs.c.base).where(jobs.c.state.not_in(ENDED)),
)
_COUNTED = {
    "jobs": "jobs",
    "feedback": "corrections",
    "files": "data sets",
    "review": "pictures for review",
    "keys": "keys",
}


def places() -> Places:
    """Where this service keeps what it has. Raises ValidationError."""
    settings = WorkerSettings()
    # as one path each: a rename from beside it must stay on its disk
    store, state = (Path(path).resolve() for path in (settings.store_dir, settings.state_dir))
    file = settings.database_file
    return Places(store, state, settings.database, file.resolve() if file else None)


def revive(database: Database) -> None:
    """In a database that comes from a backup, before it is used: nobody works at its jobs."""
    Leases(database).give_back_all(_GONE)
    Trail(database).say(What.BACKUP_RESTORED)


def note(where: Places, made: Made) -> None:
    """Says in the service's audit log that everything was copied. A database of an earlier release is left as it is."""
    if made.contents.revision != HEAD:
        return
    database = Database(where.database)
    try:
        Trail(database).say(What.BACKUP_MADE, None, {**counted(made.contents), "bytes": made.bytes})
    finally:
        database.close()


def counted(contents: Contents) -> dict[str, int]:
    """What is in a backup, in people's words."""
    rows = {word: contents.rows.get(table, 0) for table, word in _COUNTED.items()}
    return {"versions": len(contents.versions), **rows, "files": len(contents.files)}
