"""Baselines of versions on disk, so that a server that is started again does not learn what has drifted as its own."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from app.storage import private
from app.telemetry.drift.tally import Tally

MOST = 16  # versions, those that were seen last
_LARGEST = 2**20  # bytes that are read: ours has a tenth of that
_MOST_LABELS = 200

Baseline = tuple[Tally, float]  # and the seconds in which it was gathered


class Baselines:
    """A small file in the state folder. It may be deleted at any time: then baselines are learned anew."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self._file = state_dir / private.DRIFT

    def is_there(self) -> bool:
        """Whether anything is kept."""
        return os.access(self._file, os.F_OK)

    def read(self) -> Mapping[str, Baseline]:
        """By versions. What can't be understood is left out: anybody may have written into it."""
        try:
            with self._file.open("rb") as file:
                found = json.loads(file.read(_LARGEST))
            return {str(version): _baseline(facts) for version, facts in list(found.items())[-MOST:]}
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return {}

    def keep(self, baselines: Mapping[str, Baseline]) -> bool:
        """Replaces what is kept; whether that went well. On a full disk, or one that may only be read, nothing is."""
        facts = {version: _facts(*one) for version, one in list(baselines.items())[-MOST:]}
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            private.folder(self._folder)
            beside.unlink(missing_ok=True)
            private.write(beside, json.dumps(facts).encode())
            beside.replace(self._file)
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
        return True


def _facts(tally: Tally, seconds: float) -> dict[str, object]:
    frequent = sorted(tally.labels, key=lambda name: -tally.labels[name])[:_MOST_LABELS]
    labels = {name: tally.labels[name] for name in frequent}
    return {"readings": tally.readings, "uncertain": tally.uncertain, "labels": labels, "seconds": round(seconds, 1)}


def _baseline(facts: Mapping[str, object]) -> Baseline:
    labels = facts["labels"]
    if not isinstance(labels, dict):
        raise TypeError(labels)
    counted = {str(name): _count(count) for name, count in labels.items()}
    tally = Tally(_count(facts["readings"]), _count(facts["uncertain"]), counted)
    seconds = facts["seconds"]
    if tally.uncertain > tally.readings or max(counted.values(), default=0) > tally.readings:
        raise ValueError(facts)
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e12:
        raise ValueError(seconds)
    return tally, float(seconds)


def _count(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 10**15:
        raise ValueError(value)
    return value
