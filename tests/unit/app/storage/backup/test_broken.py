"""A restore whose machine lost its power is cleared away by the next one, or was done."""

import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.cli import kept as wiring
from app.cli.kept import NAMES
from app.errors import BackupRefused, CannotStart
from app.feedback.store import FeedbackStore
from app.settings import Settings
from app.storage import owner
from app.storage.backup import check
from app.storage.backup.broken import broken, unfinished
from app.storage.backup.place import Staging
from app.storage.backup.places import Places
from app.storage.backup.restore import restore
from app.storage.db import Database
from app.supervision import preflight
from models_store.registry import Registry
from tests.unit.app.storage.backup.conftest import Kept, places_in


def where(places: Places) -> tuple[Path, Path, Path | None]:
    return places.store, places.state, places.database_file


def powerless(backup: Path, kept: Kept, places: Places, *, has_database: bool) -> Any:
    """As it is when the power fails after the files, or after the database, came into place. What it returns must be
    held: it would clear away."""
    staging = Staging(*where(places))
    staging.__enter__()
    check.read(backup, staging)
    with kept.database.reading() as connection:
        placing = staging.placing(owner.of(connection))
    placing.__enter__()
    if has_database:
        staging.place_database()
    for lock in staging._locks:  # as the kernel does
        os.close(lock)
    return placing


def test_what_was_put_in_place_without_its_database_goes(kept: Kept, tmp_path: Path) -> None:
    backup, there = kept.make(tmp_path / "b.tar").path, places_in(tmp_path / "there")
    held = powerless(backup, kept, there, has_database=False)
    shutil.rmtree(there.state / "feedback")  # it had not come so far
    assert (there.store / "digits" / "2").is_dir() and unfinished(*where(there))
    with pytest.raises(CannotStart, match=r"A restore was broken off: .*restoring is still there"):
        preflight.check(Settings(store_dir=there.store, state_dir=there.state))
    restore(backup, there, NAMES, wiring.revive)
    assert held and unfinished(*where(there)) is None
    assert Registry(there.store).versions("digits") == [1, 2]
    with closing(Database(there.database)) as database:
        assert len(FeedbackStore(database, there.state).chosen()) == 2
    preflight.check(Settings(store_dir=there.store, state_dir=there.state))


def test_what_has_its_database_stays(kept: Kept, tmp_path: Path) -> None:
    backup, there = kept.make(tmp_path / "b.tar").path, places_in(tmp_path / "there")
    held = powerless(backup, kept, there, has_database=True)
    with pytest.raises(BackupRefused, match="had put everything in place already") as caught:
        restore(backup, there, NAMES, wiring.revive)
    assert held and caught.value.code == "restore_was_done" and unfinished(*where(there)) is None
    with closing(Database(there.database)) as database:
        assert len(FeedbackStore(database, there.state).chosen()) == 2


def test_one_that_runs_is_left_alone(tmp_path: Path) -> None:
    there = places_in(tmp_path)
    with Staging(*where(there)):
        found = broken(*where(there))
        assert found is not None and found.database_id is None
        with pytest.raises(BackupRefused) as caught:
            found.clear(is_done=False)
        assert caught.value.code == "restore_runs"
    assert broken(*where(there)) is None


@pytest.mark.parametrize("plan", ["", "[]", "{}", '{"targets": 7, "database_id": "x"}'])
def test_a_plan_that_was_not_written_to_its_end_has_put_nothing_in_place(tmp_path: Path, plan: str) -> None:
    there = places_in(tmp_path)
    (there.state / ".restoring").mkdir(parents=True)
    (there.state / ".restoring" / "plan.json").write_text(plan)
    found = broken(*where(there))
    assert found is not None and (list(found.targets), found.database_id) == ([], None)
    found.clear(is_done=False)
    assert list(there.state.iterdir()) == []


def test_a_plan_leads_nowhere_else(tmp_path: Path) -> None:
    there = places_in(tmp_path)
    (there.state / ".restoring").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    targets = ", ".join(f'"{path}"' for path in (tmp_path / "mine", "/", there.state / "..", there.state / "other"))
    (there.state / ".restoring" / "plan.json").write_text(f'{{"targets": [{targets}], "database_id": null}}')
    found = broken(*where(there))
    assert found is not None and list(found.targets) == []
