"""What would keep every process of a server from its work, found before the first one is started. It opens no database:
an API process does that.
"""

import os
from pathlib import Path

import structlog

from app import settings as known
from app.errors import CannotStart
from app.settings import Settings
from app.storage import state
from app.storage.backup.broken import unfinished
from app.telemetry.tracing import wanted
from models_store.variables import without_secrets

_log = structlog.get_logger("digitserve.supervisor")


def check(settings: Settings) -> None:
    """Says where things lie, and what can only be read. Raises CannotStart."""
    for slip in known.unknown():
        _log.warning("setting_unknown", why=slip)
    database = settings.database_file
    where = str(database or without_secrets(settings.database_url))
    _log.info("places", store=str(settings.store_dir), state=str(settings.state_dir), database=where)
    wanted.check(settings.traces_url)
    _check_restored(settings.store_dir, settings.state_dir, database)
    _check_store(settings.store_dir)
    _check_state(settings.state_dir, database)
    if settings.insecure:
        _log.warning(
            "insecure",
            why="DIGITSERVE_INSECURE or --insecure is on: as long as no key was ever made, whoever reaches "
            f"{settings.host} may do all that the service does. Make one with `digitserve keys create`",
        )


def _check_restored(store: Path, state_dir: Path, database: Path | None) -> None:
    left = unfinished(store, state_dir, database)
    if left:
        raise CannotStart(
            f"A restore was broken off: {left} is still there. Run `digitserve restore` again: it clears away what "
            "was put in place, and begins anew."
        )


def _check_store(store: Path) -> None:
    try:
        store.mkdir(parents=True, exist_ok=True)
        next(store.iterdir(), None)
    except OSError as error:
        raise CannotStart(
            f"The store can't be at {store}: {_why(error)}. Set DIGITSERVE_STORE_DIR to a folder that can be read."
        ) from None
    if not os.access(store, os.W_OK):
        _log.warning(
            "store_read_only", why=f"{store} may only be read: its versions serve, and nothing in it can be changed"
        )


def _check_state(state_dir: Path, database: Path | None) -> None:
    try:
        trouble = state.trouble(state_dir, database)
    except NotADirectoryError as error:
        raise CannotStart(
            f"The state folder can't be at {state_dir}: {_why(error)}. Set DIGITSERVE_STATE_DIR to another."
        ) from None
    if trouble:
        _log.error("state_read_only", why=trouble)
    elsewhere = state.misplaced(database) if database else None
    if elsewhere:
        _log.warning("database_elsewhere", why=elsewhere)


def _why(error: OSError) -> str:
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return "a file is there, or above it"
    return error.strerror or "the system refuses"
