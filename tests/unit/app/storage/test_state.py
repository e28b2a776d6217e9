"""The state folder, looked at before anything is kept in it."""

import errno
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


def test_one_to_be_made_where_nothing_can_be_is_told_of_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "closed").mkdir()
    with read_only(tmp_path / "closed"):
        for folder, database in (("closed/new/state", None), ("state", "closed/x.db"), ("state", "closed/new/x.db")):
            file = tmp_path / database if database else None
            assert str(state.trouble(tmp_path / folder, file)).startswith(f"{tmp_path / 'closed'} can't be written")


@pytest.mark.parametrize("place", ["state", "state/files", "state/feedback", "state/review", "state/jobs", "elsewhere"])
@pytest.mark.parametrize("what", ["a link to nothing", "a link to itself", "a file"])
def test_what_is_no_folder_where_one_must_be_is_told(tmp_path: Path, place: str, what: str) -> None:
    there, database = tmp_path / place, tmp_path / "elsewhere" / "x.db"
    there.parent.mkdir(exist_ok=True)
    if what == "a file":
        there.touch()
    else:
        there.symlink_to(there if what == "a link to itself" else tmp_path / "nothing")
    if (place, what) == ("state", "a file"):
        with pytest.raises(NotADirectoryError):
            state.trouble(tmp_path / "state", database)
        return
    why = {"a link to nothing": "it is a link to what is not there", "a link to itself": os.strerror(errno.ELOOP)}
    told = str(state.trouble(tmp_path / "state", database))
    assert told.startswith(f"{there} can't be used: {why.get(what, 'it is no folder')}. Mend that, or ")
    assert ("DATABASE_URL" in told) == (place == "elsewhere") and "chown" not in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("mode", "owner", "told"),
    [
        (0o555, NOBODY, "though it belongs to that user. Run `chmod -R u+rwX /state`, or set DIGITSERVE_STATE_DIR"),
        (0o755, 0, f"to user root (0). Run `chown -R {NOBODY}:{NOBODY} /state` as root, or set DIGITSERVE_STATE_DIR"),
    ],
)
@pytest.mark.parametrize("name", ["state", "state/new"])
def test_the_command_it_tells_fits_whose_it_is(mode: int, owner: int, told: str, name: str) -> None:
    """What lies beside a folder that is still to be made is not handed out."""
    script = f"""
import os, sys
from pathlib import Path
from app.storage.state import trouble
root = Path(sys.argv[1])
root.chmod(0o755)
(root / "state").mkdir()
os.chown(root / "state", {owner}, {owner})
(root / "state").chmod({mode})
os.setgid({NOBODY}); os.setuid({NOBODY})
print(trouble(root / "{name}", None).replace(str(root), ""))
"""
    with tempfile.TemporaryDirectory() as root:
        command = [sys.executable, "-c", script, root]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    if name != "state":
        told = told.replace(
            f"chown -R {NOBODY}:{NOBODY} /state", f"mkdir -p /{name} && chown {NOBODY}:{NOBODY} /{name}"
        )
    assert told.replace("-R u+rwX", "-R u+rwX" if name == "state" else "u+rwX") in said


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
