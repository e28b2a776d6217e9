"""Folder: the bytes of kept pictures, a PNG file each. It knows ids, no rows and no pixels."""

import contextlib
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.files import disk, owner
from models_store import durable

_TAIL = ".png"


class Folder:
    """The folder is made, readable for its owner alone, when the first picture comes."""

    def __init__(self, path: Path, spare_bytes: int) -> None:
        """Pictures leave `spare_bytes` of the disk free."""
        self._path = path
        self._spare_bytes = spare_bytes

    def write(self, picture_id: str, png: bytes, database_id: str) -> None:
        """Makes the bytes durable, and the folder that database's. Raises StorageFull."""
        with disk.refusals():
            if not self._path.is_dir():
                self._path.mkdir(0o700, parents=True, exist_ok=True)
                durable.sync_folder(self._path.parent)
            if shutil.disk_usage(self._path).free < len(png) + self._spare_bytes:
                raise disk.full()
            owner.note(self._path, database_id)
            durable.write(self._file(picture_id), png)

    def read(self, picture_id: str) -> bytes | None:
        """The bytes, None where there are none."""
        try:
            return self._file(picture_id).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, picture_ids: Iterable[str]) -> None:
        """Removes the bytes. What can't be removed now has no row any more: the next sweep tries again."""
        for picture_id in picture_ids:
            with contextlib.suppress(OSError):
                self._file(picture_id).unlink(missing_ok=True)

    def old(self, seconds: float) -> Sequence[Path]:
        """The files that were written before so many seconds, half-written ones too."""
        since = time.time() - seconds
        return [path for path in self._path.glob(f"*rv-*{_TAIL}*") if _written(path) < since]

    def sweep(self, old: Iterable[Path], known: set[str], database_id: str) -> Sequence[str]:
        """Removes those of the `old` files whose ids are not `known`; returns their names.

        Where another database had pictures here, they may be its own: only half-written ones go.
        """
        left = [path for path in old if path.name.removesuffix(_TAIL) not in known]
        if not owner.is_only(self._path, database_id):
            left = [path for path in left if path.name.startswith(".")]
        for path in left:
            path.unlink(missing_ok=True)
        return [path.name for path in left]

    def _file(self, picture_id: str) -> Path:
        return self._path / f"{picture_id}{_TAIL}"


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # it goes this moment
        return time.time()
