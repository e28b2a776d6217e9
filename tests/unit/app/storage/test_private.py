"""Who may read what people sent: its owner alone, whatever the umask; what somebody chose otherwise stays."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from app.storage import private
from app.storage.blobs import BlobStore
from app.storage.db import Database
from app.storage.disk import Sink


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
def test_what_is_made_is_the_owners_alone(tmp_path: Path) -> None:
    state = tmp_path / "above" / "state"
    with closing(Database(f"sqlite:///{state / 'x.db'}")) as database, database.writing() as connection:
        connection.execute(text("CREATE TABLE x (y INTEGER)"))
        for name in ("x.db", "x.db-wal", "x.db-shm"):
            assert mode(state / name) == 0o600, name
    assert mode(state) == mode(state.parent) == 0o700
    blobs = BlobStore(state / "feedback", "fb", spare_bytes=0)
    name = blobs.new_id()
    blobs.put(name, b"picture", b"small", "ab")
    with Sink(state / "data", spare_bytes=0) as sink:
        sink.write(b"data")
    assert mode(state / "feedback") == mode(state / "feedback" / name) == 0o700
    files = [path for path in state.rglob("*") if path.is_file()]
    assert len(files) >= 5 and {mode(path) for path in files} == {0o600}


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o2750)
    private.folder(tmp_path / "state" / "a" / "b")
    private.folder(tmp_path / "state")
    assert mode(tmp_path / "state") == 0o2750 and mode(tmp_path / "state" / "a") & 0o777 == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="exist"):
        private.folder(tmp_path / "file")


def earlier(state: Path) -> Path:
    """What an earlier release made under a umask of 022."""
    for name in ("files", "feedback", "review", "jobs"):
        (state / name).mkdir(parents=True)
        (state / name).chmod(0o755)
    state.chmod(0o755)
    for end in ("", "-wal", "-shm"):
        (state / f"digitserve.db{end}").touch()
        (state / f"digitserve.db{end}").chmod(0o644)
    return state / "digitserve.db"


def test_what_an_earlier_release_left_open_is_closed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    private.tighten(state, earlier(state))
    assert mode(state) == 0o700
    assert {mode(path) for path in state.iterdir() if path.is_dir()} == {0o700}
    assert {mode(path) for path in state.iterdir() if path.is_file()} == {0o600}


def test_what_somebody_chose_or_has_beside_ours_stays(tmp_path: Path) -> None:
    state = tmp_path / "state"
    database = earlier(state)
    (state / "files").chmod(0o2770)
    database.chmod(0o640)
    (state / "somebody's").touch(0o644)
    (state / "review").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere").chmod(0o755)
    (state / "review").symlink_to(tmp_path / "elsewhere")
    private.tighten(state, database)
    assert mode(state / "files") == 0o2770 and mode(database) == 0o640
    assert mode(state) == 0o755 and mode(state / "jobs") == 0o700
    assert mode(tmp_path / "elsewhere") == 0o755
    private.tighten(tmp_path / "nothing", None)
    assert not (tmp_path / "nothing").exists()
