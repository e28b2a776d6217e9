"""What a server is started with is told once, and again when it is something else."""

import json
import threading
from contextlib import closing
from pathlib import Path

from app.settings import Settings
from app.storage.audit.reading import AuditLog
from app.storage.db import Database
from app.supervision.starts import chosen, note
from tests.support.patience import PATIENCE_SECONDS


def never(_: float) -> None:
    raise AssertionError("the database is there")


def details(database: Database) -> list[dict[str, object]]:
    """The oldest first."""
    return [json.loads(one.entry.details) for one in reversed(AuditLog(database).list(100)[0])]


def test_settings_are_told_when_they_are_not_those_of_the_last_start(database: Database) -> None:
    one, other = Settings(workers=2), Settings(workers=3, insecure=True)
    assert [note(database, settings, never) for settings in (one, one, other, other, one)] == [
        True, False, True, False, True,
    ]  # fmt: skip
    assert [(told["workers"], told.get("insecure")) for told in details(database)] == [(2, None), (3, True), (2, None)]


def test_processes_that_start_together_tell_it_once(database: Database) -> None:
    settings = Settings(workers=4)
    threads = [threading.Thread(target=note, args=(database, settings, never)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert len(details(database)) == 1


def test_no_password_is_told(database: Database) -> None:
    url = "postgresql://me:very-secret@host/name"
    told = chosen(Settings(database_url=url, key="ds_very-secret", traces_url="http://me:very-secret@host/"))
    assert {told[name] for name in ("database_url", "key", "traces_url")} == {"set"}
    assert "very-secret" not in str(told)


def test_it_waits_for_somebody_to_make_the_database_and_makes_none(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    waits: list[float] = []
    with closing(Database(url)) as database:
        assert not note(database, Settings(), waits.append)
        assert len(waits) > 1 and list(tmp_path.iterdir()) == []

        def made(_: float) -> None:
            with database.reading():
                pass

        assert note(database, Settings(), made) and len(details(database)) == 1
