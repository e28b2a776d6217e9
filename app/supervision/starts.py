"""What a server was started with, in the audit log: an entry where it is not what the last start had."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy import select

from app.errors import NOTHING_LASTS, StateReadOnly
from app.settings import Settings
from app.storage.audit import chain, trail
from app.storage.audit.acting import as_system_user
from app.storage.audit.record import What
from app.storage.audit.tables import audit
from app.storage.db import Database
from models_store.variables import without_secrets

_SECRET = frozenset({"key", "database_url", "traces_url"})  # may hold a password: only that they are set is told
_TIMES, _PAUSE_SECONDS = 60, 1.0  # for a worker to make the database

_log = structlog.get_logger("digitserve.process")


def begin(settings: Settings) -> None:
    """Looks in a thread, which ends with the process: nobody waits for the database."""

    def look() -> None:
        as_system_user()
        database = Database(settings.database)
        try:
            note(database, settings, time.sleep)
        except StateReadOnly:  # that is said already
            pass
        except NOTHING_LASTS as refusal:
            _log.warning("audit_not_written", what=str(What.SETTINGS_CHANGED), why=refusal.code)
        finally:
            database.close()

    threading.Thread(target=look, name="starts", daemon=True).start()


def note(database: Database, settings: Settings, wait: Callable[[float], object]) -> bool:
    """Adds an entry where the settings are not those of the last start; waits a while for somebody to make the
    database, and makes none. Says whether there is a new entry. Raises one of NOTHING_LASTS."""
    for _ in range(_TIMES):
        with database.looking(audit.name) as connection:
            if connection is not None:
                break
        wait(_PAUSE_SECONDS)
    else:
        return False
    told = chosen(settings)
    with database.writing() as connection:
        trail.alone(connection)  # all processes of a server start together
        query = select(audit.c.details).where(audit.c.what == What.SETTINGS_CHANGED)
        last = connection.execute(query.order_by(audit.c.number.desc()).limit(1)).scalar()
        if last == chain.as_text(told):
            return False
        trail.write(connection, What.SETTINGS_CHANGED, None, told)
    return True


def chosen(settings: Settings) -> Mapping[str, object]:
    """The settings that are not the defaults, without what may be a secret."""
    found: dict[str, object] = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value != field.default:
            found[name] = "set" if name in _SECRET else _plain(value)
    return found


def _plain(value: object) -> object:
    if isinstance(value, (bool, int, float)):
        return value
    with contextlib.suppress(ValueError):
        return without_secrets(str(value)).strip("'")
    return "set"
