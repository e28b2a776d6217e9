"""Upkeep: done at once and again and again, for folders that come later and disks that get room."""

import threading
from pathlib import Path

from app.storage import upkeep
from models_store.store.ballast import Ballast
from tests.support.patience import wait_until


def test_it_looks_again_and_again_and_finds_what_came_later(tmp_path: Path) -> None:
    ballast, turn = Ballast(tmp_path / "later"), threading.Semaphore(0)
    upkeep.begin(tmp_path / "later", tmp_path / "later" / "x.db", [ballast], wait=lambda _: turn.acquire())
    assert not (tmp_path / "later").exists()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "x.db").touch()
    (tmp_path / "later" / "x.db").chmod(0o644)
    turn.release()
    wait_until(lambda: ballast.bytes() > 0, lambda: "no ballast")
    database = tmp_path / "later" / "x.db"
    wait_until(lambda: database.stat().st_mode & 0o777 == 0o600, lambda: "others may read the database")
