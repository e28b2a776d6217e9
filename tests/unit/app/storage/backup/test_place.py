"""Files come into place together, and go together; nothing that is there is touched."""

from pathlib import Path

import pytest

from app.errors import BackupRefused
from app.storage.backup.broken import unfinished
from app.storage.backup.place import Staging, occupied
from tests.unit.app.storage.backup.conftest import places_in

FILES = {
    "store/digits/7/manifest.json": b"{}", "state/feedback/fb-1/picture.png": b"png", "database.db": b"rows",
}  # fmt: skip


def staging_in(folder: Path) -> Staging:
    places = places_in(folder)
    return Staging(places.store, places.state, places.database_file)


def fill(staging: Staging) -> None:
    for name, data in FILES.items():
        staging.begin(name)
        staging.take(data)
        staging.end()


def lying(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_all_is_in_place_when_the_database_is(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    with staging_in(tmp_path) as staging:
        fill(staging)
        assert unfinished(places.store, places.state, places.database_file) == places.state / ".restoring"
        assert occupied(places.store, places.state, places.database_file) == []
        with staging.placing("id"):
            staging.place_database()
    assert lying(tmp_path) == {
        "store/digits/7/manifest.json", "state/feedback/fb-1/picture.png", "state/digitserve.db",
    }  # fmt: skip
    assert unfinished(places.store, places.state, places.database_file) is None
    assert len(occupied(places.store, places.state, places.database_file)) == 3


def test_where_the_last_step_breaks_all_goes(tmp_path: Path) -> None:
    with pytest.raises(KeyError), staging_in(tmp_path) as staging:
        fill(staging)
        with staging.placing("id"):
            raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["store/digits", "state/feedback", "state/digitserve.db"])
def test_what_came_meanwhile_stays_and_nothing_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(BackupRefused, match="has come there meanwhile") as caught, staging_in(tmp_path) as staging:
        fill(staging)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"mine")
        with staging.placing("id"):
            staging.place_database()
    assert caught.value.code == "restore_not_empty" and lying(tmp_path) == {name}


def test_empty_folders_are_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "state" / "feedback").mkdir(parents=True)
    with staging_in(tmp_path) as staging:
        fill(staging)
        with staging.placing("id"):
            staging.place_database()
    assert len(lying(tmp_path)) == 3


def test_one_at_a_time(tmp_path: Path) -> None:
    with staging_in(tmp_path), pytest.raises(BackupRefused) as caught, staging_in(tmp_path):
        pass
    assert caught.value.code == "restore_runs"


def test_two_names_of_one_file(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused), staging_in(tmp_path) as staging:
        fill(staging)
        staging.begin("database.db")
    with pytest.raises(BackupRefused), staging_in(tmp_path) as staging:
        fill(staging)
        staging.begin("store/digits/7/manifest.json/x")
    assert list(tmp_path.iterdir()) == []


def test_a_database_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "x.db"
    with Staging(tmp_path / "store", tmp_path / "state", file) as staging:
        fill(staging)
        assert staging.database.parent == file.parent / ".restoring"
        with staging.placing("id"):
            staging.place_database()
    assert file.read_bytes() == b"rows" and file.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.rglob(".restoring"))
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["feedback"]
