"""A backup comes back where nothing is, whole or not at all, also where somebody pulls the plug."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.cli import kept as wiring
from app.cli.kept import NAMES
from app.errors import BackupRefused, StorageFull
from app.feedback.store import FeedbackStore
from app.files.store import FileStore
from app.jobs.folder import AttemptFolders
from app.jobs.job import State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.jobs.tables import jobs
from app.storage.backup.make import make
from app.storage.backup.places import Places
from app.storage.backup.restore import restore
from app.storage.db import HEAD, Database
from models_store.refs import Ref
from models_store.registry import Registry
from tests.support.disks import mounted
from tests.unit.app.storage.backup.conftest import Kept, places_in
from tests.unit.app.storage.backup.test_check import forged, parts


@pytest.fixture
def backup(kept: Kept, tmp_path: Path) -> Path:
    return kept.make(tmp_path / "b.tar").path


@pytest.fixture
def there(tmp_path: Path) -> Places:
    """A machine that has nothing yet."""
    return places_in(tmp_path / "there")


def back(path: Path, places: Places) -> None:
    restore(path, places, NAMES, wiring.revive)


def code(path: Path, places: Places) -> str:
    with pytest.raises(BackupRefused) as caught:
        back(path, places)
    return caught.value.code


def lying(folder: Path) -> dict[str, bytes]:
    """All files below, without databases' own marks and what only one machine has."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "digitserve.db" not in path.name and not path.name.startswith(".lock")
    }


def test_all_of_it_is_there_again(kept: Kept, backup: Path, there: Places) -> None:
    back(backup, there)
    assert lying(there.store) == lying(kept.places.store)
    state = lying(kept.places.state)
    assert lying(there.state) == {name: data for name, data in state.items() if not name.endswith("events.jsonl")}
    registry = Registry(there.store)
    assert registry.aliases("digits") == kept.registry.aliases("digits")
    for number in registry.versions("digits"):
        registry.verify(Ref("digits", None, number))
    with closing(Database(there.database)) as database:
        assert FeedbackStore(database, there.state).chosen() == kept.feedback.chosen()
        (file,) = FileStore(database, there.state).list(10)[0]
        assert FileStore(database, there.state).path(file.id).read_bytes() == b"pictures"


def test_nothing_is_open_to_others_but_versions(backup: Path, there: Places) -> None:
    back(backup, there)
    for path in [there.state, *there.state.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    for path in (there.store / "digits").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    assert sorted(path.name for path in there.state.iterdir()) == ["digitserve.db", "feedback", "files", "jobs"]
    assert [path.name for path in there.store.iterdir()] == ["digits"]


def test_a_job_that_ran_waits_and_finds_its_checkpoint(kept: Kept, backup: Path, there: Places) -> None:
    back(backup, there)
    with closing(Database(there.database)) as database:
        with database.reading() as connection:
            row = connection.execute(select(jobs)).one()
        assert (row.state, row.worker, row.attempt, row.tries) == (State.QUEUED, None, 1, 0)
        said = [event.message for event in JobStore(database).events(row.id, 10)[0]]
        assert len([text for text in said if "restored from a backup" in text]) == 1
        job = Leases(database).claim("worker-2")
        assert job is not None and job.attempt == 2
        folders = AttemptFolders(there.state / "jobs", FileStore(database, there.state).path)
        assert (folders.prepare(job) / "training.pt").read_bytes() == b"weights"


def test_where_something_is_nothing_is_restored(kept: Kept, backup: Path, there: Places, tmp_path: Path) -> None:
    assert code(backup, kept.places) == "restore_not_empty"
    for name, come in (
        ("there/store/digits", Path.mkdir),
        ("there/state/feedback/fb-1", Path.mkdir),
        ("there/state/digitserve.db", Path.touch),
        ("there/state/digitserve.db-wal", Path.touch),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        come(path)
        with pytest.raises(BackupRefused, match=str(path if "fb-" not in name else path.parent)):
            back(backup, there)
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "there" / "store" / "README.md").write_text("the project's own")
    back(backup, there)


def test_a_damaged_one_leaves_nothing(backup: Path, there: Places, tmp_path: Path) -> None:
    data = bytearray(backup.read_bytes())
    data[len(data) // 2] ^= 1
    backup.write_bytes(data)
    assert code(backup, there) == "backup_damaged"
    assert code(tmp_path / "none", there) == "backup_not_found"
    backup.write_bytes(b"PK" * 1000)
    assert code(backup, there) == "backup_foreign"
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    "name", ["store/digits/1/MANIFEST.json/x", "store/digits/1/manifest.json/x", "state/feedback/fb-1"]
)
def test_names_that_can_not_all_be_files(backup: Path, there: Places, name: str, tmp_path: Path) -> None:
    other = forged(backup, lambda found: found.update({name: b"", "store/digits/1/MANIFEST.json": b""}))
    assert code(other, there) in ("backup_damaged", "backup_foreign") and not (tmp_path / "there").exists()


def test_tables_that_no_release_makes(backup: Path, there: Places, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(parts(backup)["database.db"])
    with closing(sqlite3.connect(tmp_path / "x.db")) as database, database:
        database.execute("ALTER TABLE jobs RENAME COLUMN attempt TO attempts")
    other = forged(backup, lambda found: found.update({"database.db": (tmp_path / "x.db").read_bytes()}))
    assert code(other, there) == "backup_damaged" and not (tmp_path / "there").exists()


def test_a_full_disk_leaves_nothing(backup: Path, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "17m") as disk:
        with pytest.raises(StorageFull, match=r"^storage_full: a disk of the store or the state is full"):
            back(backup, places_in(disk))
        assert list(disk.iterdir()) == []


def breaks(count: int) -> Callable[[int], None]:
    heard = []

    def hear(_: int) -> None:
        heard.append(1)
        if len(heard) == count:
            raise KeyboardInterrupt

    return hear


def test_ctrl_c_leaves_nothing(backup: Path, there: Places, tmp_path: Path) -> None:
    for count in (1, 5, 20):
        with pytest.raises(KeyboardInterrupt):
            restore(backup, there, NAMES, wiring.revive, breaks(count))
        assert not (tmp_path / "there").exists()

    def revive(_: Database) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(backup, there, NAMES, revive)
    assert not (tmp_path / "there").exists()


def test_an_older_one_is_brought_to_this_release(backup: Path, there: Places, tmp_path: Path) -> None:
    """As a release made it that knew neither shadows nor the audit log."""
    (tmp_path / "x.db").write_bytes(parts(backup)["database.db"])
    with closing(sqlite3.connect(tmp_path / "x.db")) as database, database:
        for table in ("shadows", "differences", "audit"):
            database.execute(f"DROP TABLE {table}")
        database.execute("UPDATE alembic_version SET version_num = '0006'")
        counts = {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if name != "alembic_version"
        }
    older = forged(
        backup,
        lambda found: found.update({"database.db": (tmp_path / "x.db").read_bytes()}),
        revision="0006",
        rows=counts,
    )
    back(older, there)
    with closing(Database(there.database)) as opened, opened.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == HEAD
        assert connection.execute(text("SELECT count(*) FROM feedback")).scalar_one() == 2


def test_a_machine_on_which_nothing_was_served_yet(there: Places, tmp_path: Path) -> None:
    made = make(places_in(tmp_path / "none"), NAMES, tmp_path / "b.tar")
    back(made.path, there)
    assert not (tmp_path / "there").exists()
