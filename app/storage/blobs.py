"""People's pictures on disk, whole or not at all: a folder for each id. It knows no database and no pixels.

fb-…/picture.png   and thumbnail.png where the picture is larger than one
"""

import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from app.files.store import LEFTOVER_SECONDS
from app.storage import disk, owner
from models_store.durable import sync_folder, sync_tree

PICTURE, THUMBNAIL = "picture.png", "thumbnail.png"
_ARRIVING = ".arriving-"

_log = structlog.get_logger("digitserve.shelf")


class BlobStore:
    """One kind of pictures in one folder, which is made, closed to other users, when the first picture comes."""

    def __init__(self, folder: Path, prefix: str, spare_bytes: int) -> None:
        """Ids begin with `prefix`. Pictures leave `spare_bytes` of the disk free."""
        self._folder = folder
        self._prefix = prefix
        self._id = re.compile(rf"{prefix}-[0-9a-f]{{24}}")
        self._spare_bytes = spare_bytes

    def new_id(self) -> str:
        """One that nothing has."""
        return f"{self._prefix}-{secrets.token_hex(12)}"

    def is_id(self, name: str) -> bool:
        """Whether a picture can be called that; PostgreSQL refuses some other texts: a NUL."""
        return self._id.fullmatch(name) is not None

    def put(self, name: str, picture: bytes, thumbnail: bytes, database_id: str) -> None:
        """Keeps a picture; when this returns, it survives a power cut. Raises StorageFull."""
        with disk.refusals():
            if not self._folder.is_dir():
                self._folder.mkdir(0o700, parents=True, exist_ok=True)
                sync_folder(self._folder.parent)
            if shutil.disk_usage(self._folder).free < len(picture) + len(thumbnail) + self._spare_bytes:
                raise disk.full()
            owner.note(self._folder, database_id)
            arriving = Path(tempfile.mkdtemp(dir=self._folder, prefix=_ARRIVING))  # closed to other users
            try:
                (arriving / PICTURE).write_bytes(picture)
                if thumbnail != picture:
                    (arriving / THUMBNAIL).write_bytes(thumbnail)
                sync_tree(arriving)
                arriving.rename(self._folder / name)
                sync_folder(self._folder)
            except BaseException:
                shutil.rmtree(arriving, ignore_errors=True)
                raise

    def picture(self, name: str) -> bytes | None:
        """None where it is gone."""
        return self._read(name, PICTURE)

    def thumbnail(self, name: str) -> bytes | None:
        """None where it is gone."""
        small = self._read(name, THUMBNAIL)
        return self._read(name, PICTURE) if small is None else small

    def remove(self, names: Iterable[str]) -> None:
        """Takes pictures away, where they are still there."""
        for name in names:
            shutil.rmtree(self._folder / name, ignore_errors=True)

    def left(self) -> Sequence[str]:
        """What is older than an hour, to be asked after in the database *after* this."""
        if not self._folder.is_dir():
            return []
        found = [path for path in self._folder.iterdir() if path.name.startswith(_ARRIVING) or self.is_id(path.name)]
        return [path.name for path in found if time.time() - _changed(path) > LEFTOVER_SECONDS]

    def clear(self, left: Sequence[str], known: set[str], database_id: str) -> Sequence[str]:
        """Removes those of `left` that have no row, which are not `known`; returns their names.

        Where another database keeps pictures here, it may be one of those: only what never arrived goes.
        """
        rowless = [name for name in left if name not in known]
        if not owner.is_only(self._folder, database_id):
            strange = [name for name in rowless if self.is_id(name)]
            if strange:
                _log.warning("pictures_of_another_database", folder=str(self._folder), count=len(strange))
            rowless = [name for name in rowless if name not in strange]
        self.remove(rowless)
        return rowless

    def _read(self, name: str, file: str) -> bytes | None:
        try:
            return (self._folder / name / file).read_bytes()
        except FileNotFoundError:
            return None


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # it goes this moment
        return time.time()
