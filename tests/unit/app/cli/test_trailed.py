"""A store for commands: with a log beside it where a service has run, without one elsewhere."""

from app.cli import trailed
from app.settings import WorkerSettings
from app.storage.audit.acting import SERVICE, acting, system_user
from app.storage.audit.reading import AuditLog
from app.storage.audit.record import What
from app.storage.db import Database
from models_store.shipped_version import open_store
from tests.conftest import republished


def test_moves_and_deletions_are_logged_where_there_is_a_database() -> None:
    settings = WorkerSettings()
    registry = open_store(settings.store_dir)
    republished(registry)

    with trailed.moving(registry) as moved:
        moved.promote("digits", moved.aliases("digits")["champion"], expected=1)
    with trailed.deleting(What.VERSION_DELETED, "digits@2"):
        registry.delete("digits", 2)
        republished(registry)
    assert not settings.state_dir.exists()
    database = Database(settings.database)
    with database.reading():
        pass
    with trailed.deleting(What.VERSIONS_PRUNED, None) as told:
        told["versions"] = ["digits@3"]
    newest = AuditLog(database).list(10)[0][0].entry
    database.close()
    assert (newest.what, newest.outcome, newest.details) == ("versions_pruned", "done", '{"versions":["digits@3"]}')
    assert newest.who == system_user() and acting().who == SERVICE  # from the block on, nobody has typed anything
