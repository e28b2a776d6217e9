"""Folders on disk that no row knows: what never arrived whole, and what was deleted while a process died."""

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog

from app.storage import owner

ARRIVING = ".arriving-"  # how the name of a folder begins that is being filled
LEFTOVER_SECONDS = 3600  # nothing takes so long between two writes

_log = structlog.get_logger("digitserve.storage")


class Leftovers:
    """Those of one folder, whose own folders are named by ids."""

    def __init__(self, folder: Path, kept: str, is_id: Callable[[str], bool]) -> None:
        """`kept` is what the log calls what lies here."""
        self._folder = folder
        self._kept = kept
        self._is_id = is_id

    def old(self) -> Sequence[str]:
        """What nothing was written into for an hour, to be asked after in the database *after* this."""
        if not self._folder.is_dir():
            return []
        ours = [path for path in self._folder.iterdir() if path.name.startswith(ARRIVING) or self._is_id(path.name)]
        found = [path for path in ours if path.is_dir()]
        # dated in the future: written before the clock was set back
        return [path.name for path in found if abs(time.time() - _changed(path)) > LEFTOVER_SECONDS]

    def clear(self, old: Sequence[str], known: set[str], database_id: str) -> Sequence[str]:
        """Removes those of `old` that have no row, which are not `known`; returns their names.

        Where another database keeps something here too, it may be one of its own: only what never arrived goes.
        """
        rowless = [name for name in old if name not in known]
        if not owner.is_only(self._folder, database_id):
            foreign = [name for name in rowless if self._is_id(name)]
            if foreign:
                _log.warning(f"{self._kept}_of_another_database", folder=str(self._folder), count=len(foreign))
            rowless = [name for name in rowless if name not in foreign]
        self.remove(rowless)
        return rowless

    def remove(self, names: Iterable[str]) -> None:
        """Takes folders away, where they are still there."""
        for name in names:
            shutil.rmtree(self._folder / name, ignore_errors=True)


def _changed(folder: Path) -> float:
    """When something was last written in it, as Unix time."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:  # it goes this moment
        return time.time()
