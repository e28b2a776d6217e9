"""The state folder, looked at before anything is kept in it."""

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.storage import state
from tests.conftest import ROOT
from tests.support.read_only import read_only

NOBODY = 65534


def test_one_that_can_be_written_or_made_is_no_trouble_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for folder in (tmp_path, tmp_path / "new" / "state"):
        assert state.trouble(folder, folder / "digitserve.db") is None
    assert [path.name for path in tmp_path.rglob("*")] == ["files"]


def test_one_that_may_only_be_read_is_named(tmp_path: Path) -> None:
    with read_only(tmp_path):
        assert f"{tmp_path} can't be written" in str(state.trouble(tmp_path, None))


def test_one_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "state"):
        with pytest.raises(NotADirectoryError):
            state.trouble(folder, None)
    with read_only(tmp_path), pytest.raises(OSError, match=r"Read-only|Permission"):
        state.trouble(tmp_path / "state", None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("place", ["state", "state/files", "state/digitserve.db"])
def test_it_says_whose_it_is_and_whose_it_must_be(place: str) -> None:
    """Of all that was left in it: a server that ran as root once made one of these."""
    script = f"""
import os, sys
from pathlib import Path
from app.storage.state import trouble
root = Path(sys.argv[1])
(root / "state/files").mkdir(parents=True)
(root / "state/digitserve.db").touch(0o600)
root.chmod(0o755)
for path in (root / "state", *(root / "state").iterdir()):
    os.chown(path, {NOBODY}, {NOBODY})
os.chown(root / "{place}", 0, 0)
os.setgid({NOBODY}); os.setuid({NOBODY})
print(trouble(root / "state", root / "state/digitserve.db").replace(str(root), ""))
"""
    with tempfile.TemporaryDirectory() as root:  # pytest's own folders are closed to other users
        command = [sys.executable, "-c", script, root]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    name = pwd.getpwuid(NOBODY).pw_name
    assert told.startswith(
        f"/{place} can't be written by user {name} ({NOBODY}), because it belongs to user root (0). "
    )
    assert f"Run `chown -R {NOBODY}:{NOBODY} /{place}`" in told


def test_a_user_without_a_name_is_a_number() -> None:
    assert state.user(0) == "root (0)" and state.user(123_456_789) == "123456789"


@pytest.mark.parametrize(("name", "former"), [("a%20b", "a b/digitserve.db"), ("a?b", "a")])
def test_a_database_that_release_0_1_had_elsewhere_is_found(tmp_path: Path, name: str, former: str) -> None:
    there, here = tmp_path / former, tmp_path / name / "digitserve.db"
    assert state.misplaced(here) is None
    there.parent.mkdir(exist_ok=True)
    there.touch()
    assert str(there) in str(state.misplaced(here)) and str(here) in str(state.misplaced(here))
    here.parent.mkdir()
    here.touch()
    assert state.misplaced(here) is None


def test_a_plain_path_was_never_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "digitserve.db").touch()
    assert state.misplaced(tmp_path / "digitserve.db") is None
