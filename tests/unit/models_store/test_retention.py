import datetime
import os
from pathlib import Path

from models_store.registry import RUNS, Registry
from models_store.retention import prune, sweep
from tests.conftest import republished

NOW = datetime.datetime(2026, 1, 20, tzinfo=datetime.UTC)


def aged(folder: Path, days: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"x")
    then = NOW.timestamp() - days * 86_400
    os.utime(folder, (then, then))
    return folder


def test_what_a_killed_process_left_goes_after_its_time(registry: Registry) -> None:
    old = [aged(registry.root / RUNS / "digits-1", 8), aged(registry.root / "digits" / ".staging-1", 1.5)]
    young = [aged(registry.root / RUNS / "digits-2", 6), aged(registry.root / "digits" / ".staging-2", 0.5)]
    assert prune(registry, NOW) == []
    assert not any(folder.exists() for folder in old)
    assert all((folder / "file").exists() for folder in young)


def test_a_stage_that_goes_away_meanwhile_stops_no_sweep(registry: Registry) -> None:
    gone = registry.root / "digits" / ".staging-0"
    gone.symlink_to(registry.root / "no-more")  # it is listed, and nothing is there when it is looked at
    old = aged(registry.root / RUNS / "digits-1", 8)
    sweep(registry, NOW)
    assert not old.exists()


def test_prune_takes_old_rejects_and_all_but_twenty_unaliased(registry: Registry) -> None:
    made = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)  # what `republished` writes
    for number in range(2, 26):
        republished(registry, accepted=number != 25)
    week = datetime.timedelta(days=7)
    assert prune(registry, made + week) == ["digits@2", "digits@3", "digits@4", "digits@5"]
    assert prune(registry, made + week + datetime.timedelta(seconds=1)) == ["digits@25"]
    assert registry.versions("digits") == [1, *range(6, 25)]
