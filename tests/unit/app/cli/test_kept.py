"""Nothing that the service keeps is left out of a backup."""

from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, text

import app.main  # noqa: F401 (every table is known then)
from app.cli import kept
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.backup.contents import Contents
from app.storage.db import HEAD, Database, metadata
from app.storage.private import KEPT
from tests.support.ordered import claimed


def test_every_folder_of_the_state_has_rows_that_name_its_files() -> None:
    assert {kind.folder for kind in kept.NAMES.files} | {"jobs"} == set(KEPT)


def test_every_table_that_names_files_is_asked(tmp_path: Path) -> None:
    """Whoever adds a table looks here whether its rows have files."""
    assert set(metadata.tables) == {
        "feedback", "review", "differences", "files", "jobs",  # these have
        "audit", "events", "identity", "keys", "lessons", "lineage", "secrets", "shadows",
    }  # fmt: skip


def test_jobs_that_ran_wait_again_and_the_log_says_why(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database:
        job = claimed(database)
        kept.revive(database)
        assert str(JobStore(database).get(job.id).state) == "queued"
        assert Leases(database).claim("worker-2") is not None
        with database.reading() as connection:
            whats = connection.execute(text("SELECT what FROM audit ORDER BY number")).scalars().all()
        assert whats[-1] == "backup_restored"


def test_places_follow_links_so_that_a_rename_stays_on_its_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "disk")
    places = kept.places()
    assert (
        places.store == (tmp_path / "disk").resolve() and places.database_file == tmp_path / "state" / "digitserve.db"
    )
    assert places.database == URL.create("sqlite", database=str(tmp_path / "state" / "digitserve.db"))


def test_counts_in_words() -> None:
    contents = Contents(created_at="", release="", source="sqlite", revision=HEAD, rows={"feedback": 3}, files={})
    assert kept.counted(contents)["corrections"] == 3 and kept.counted(contents)["versions"] == 0
