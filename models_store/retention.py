"""What a store need not keep: rejected versions after a week, old ones that no alias names, what a killed process left
half-written, and checkpoints that nobody went on from."""

import contextlib
import datetime
import shutil
from collections.abc import Callable

from models_store.errors import ManifestMismatch, StoreError, VersionInUse
from models_store.refs import Ref
from models_store.registry import RUNS, Registry
from models_store.store import removal

REJECTED_DAYS = 7
KEPT_UNALIASED = 20  # of each model, the newest
_ABANDONED_SECONDS = 86_400  # a stage is filled in minutes, and waits ten for leave at most
_CHECKPOINT_SECONDS = 7 * 86_400  # since the last epoch of a training that did not end


def sweep(registry: Registry, now: datetime.datetime) -> None:
    """Removes what killed processes left: half-written versions after a day, checkpoints after a week, and the files of
    versions that are deleted. Puts right what they left behind the aliases."""
    registry.mend()
    for pattern, seconds in (("*/.staging-*", _ABANDONED_SECONDS), (f"{RUNS}/*", _CHECKPOINT_SECONDS)):
        for folder in registry.root.glob(pattern):
            with contextlib.suppress(FileNotFoundError):  # published or removed a moment ago
                if abs(now.timestamp() - folder.stat().st_mtime) > seconds:  # or the clock was set back
                    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        for name in registry.models():
            for folder in (registry.root / name).iterdir():
                removal.clear(folder)


def prune(registry: Registry, now: datetime.datetime, spared: Callable[[str], bool] = lambda ref: False) -> list[str]:
    """Sweeps, deletes versions that are past their time and returns their refs. Those that an alias names stay, and
    those whose ref is `spared`."""
    sweep(registry, now)
    return [ref for name in registry.models() for ref in _prune(registry, name, now, spared)]


def _prune(registry: Registry, name: str, now: datetime.datetime, spared: Callable[[str], bool]) -> list[str]:
    aliased = set(registry.aliases(name).values())
    unaliased = [number for number in registry.versions(name) if number not in aliased]
    surplus = set(unaliased[: max(0, len(unaliased) - KEPT_UNALIASED)])
    deleted = []
    for number in unaliased:
        is_past = number in surplus or _is_old_reject(registry, Ref(name, None, number), now)
        if is_past and not spared(f"{name}@{number}"):
            try:
                registry.delete(name, number)
                deleted.append(f"{name}@{number}")
            except (VersionInUse, ManifestMismatch):  # promoted a moment ago; a link to what is not the store's
                continue
    return deleted


def _is_old_reject(registry: Registry, ref: Ref, now: datetime.datetime) -> bool:
    try:
        manifest = registry.resolve(ref).manifest
    except StoreError:  # unreadable: a person should see it, so it stays
        return False
    age = now - datetime.datetime.fromisoformat(manifest.created_at)
    return not manifest.accepted and age > datetime.timedelta(days=REJECTED_DAYS)
