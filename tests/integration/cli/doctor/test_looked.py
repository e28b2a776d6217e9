"""All checks together: for programs too, as another user, and without a trace."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.settings import Settings
from app.storage.db import Database
from app.web.access.key_store import KeyStore
from models_store.shipped_version import open_store
from tests.conftest import ROOT
from tests.support.patience import PATIENCE_SECONDS

ABOUT = {
    "python", "packages", "torch", "decoding", "settings", "store", "versions", "state", "database", "jobs", "backup",
    "audit", "keys", "descriptors", "memory", "data", "port",
}  # fmt: skip
AS_NOBODY = """
import os, sys
from app.cli.asides import aside
from app.cli.doctor import looked, printed
import app.settings, torch, alembic.script
os.setegid(65534)
os.seteuid(65534)
with aside():
    sys.exit(0 if printed.document(looked.everything()) else 1)
"""


def trees(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def used() -> Settings:
    """A store and a state folder as a server leaves them when it stops."""
    settings = Settings(port=0)
    open_store(settings.store_dir)
    database = Database(settings.database)
    KeyStore(database).create("x", ["admin"])
    database.close()
    return settings


def test_a_program_reads_all_of_it_and_nothing_is_changed(
    used: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITSERVE_PORT", "0")
    before = trees(used.store_dir, used.state_dir)
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True and {one["about"] for one in told["findings"]} == ABOUT
    assert {one["mark"] for one in told["findings"]} <= {"ok", "note"}
    assert trees(used.store_dir, used.state_dir) == before


def test_what_is_wrong_is_in_the_exit_code(
    used: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITSERVE_PORT", "0")
    shutil.rmtree(used.store_dir / "digits" / "1" / "report", ignore_errors=True)
    (used.store_dir / "digits" / "1" / "model.pt").unlink()
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "BAD   digits@1 champion" in out and "from a backup" in out


def test_beside_who_writes_it_reads(used: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    database = Database(used.database)
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE keys SET name = 'y'")
        main(["doctor", "--json"])
    told = {one["about"]: one["mark"] for one in json.loads(capsys.readouterr().out)["findings"]}
    assert told["database"] == "ok" and told["keys"] == "ok"
    database.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_told_what_he_may_not_see(used: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS, env={**os.environ, "DIGITSERVE_PORT": "0"},
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    bad = [one for one in json.loads(done.stdout)["findings"] if one["mark"] == "bad"]
    assert {"state", "database"} <= {one["about"] for one in bad} and all(one["do"] for one in bad)
    assert pwd.getpwuid(0).pw_name in str(bad)
