"""Pictures of corrections on disk, whole or not at all: a folder each. It knows no database.

feedback/fb-…/picture.png   and thumbnail.png where the picture is larger than one
"""

import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from app.files import disk, owner
from models_store.durable import sync_folder, sync_tree

PICTURE, THUMBNAIL = "picture.png", "thumbnail.png"
LEFTOVER_SECONDS = 3600  # no picture takes so long to be written
SPARE_BYTES = 16 * 2**20  # left free, for the database beside them
_ARRIVING = ".arriving-"
_ID = re.compile(r"fb-[0-9a-f]{24}")

_log = structlog.get_logger("digitserve.feedback")


def is_id(name: str) -> bool:
    """Whether a correction can be called that."""
    return _ID.fullmatch(name) is not None


class Shelf:
    """The folder; it is made when the first picture comes."""

    def __init__(self, folder: Path, spare_bytes: int) -> None:
        self._folder = folder
        self._spare_bytes = spare_bytes

    def put(self, name: str, picture: bytes, thumbnail: bytes, database_id: str) -> None:
        """Keeps a picture; when this returns, it survives a power cut. Raises StorageFull."""
        with disk.refusals():
            if not self._folder.is_dir():
                self._folder.mkdir(parents=True, exist_ok=True)
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

    def picture(self, name: str) -> bytes:
        """Raises FileNotFoundError."""
        return (self._folder / name / PICTURE).read_bytes()

    def thumbnail(self, name: str) -> bytes:
        """Empty where the picture is gone."""
        for file in (THUMBNAIL, PICTURE):
            try:
                return (self._folder / name / file).read_bytes()
            except FileNotFoundError:
                continue
        return b""

    def remove(self, name: str) -> None:
        """Takes a picture away, where it is still there."""
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def left(self) -> Sequence[str]:
        """What is older than an hour, to be asked after in the database *after* this."""
        if not self._folder.is_dir():
            return []
        found = [path for path in self._folder.iterdir() if path.name.startswith(_ARRIVING) or is_id(path.name)]
        return [path.name for path in found if time.time() - _changed(path) > LEFTOVER_SECONDS]

    def clear(self, left: Sequence[str], database_id: str) -> Sequence[str]:
        """Removes what has no row; returns the names.

        Where another database keeps pictures here, it may be one of those: only what never arrived goes.
        """
        if not owner.is_only(self._folder, database_id):
            strange = [name for name in left if is_id(name)]
            if strange:
                _log.warning("feedback_of_another_database", folder=str(self._folder), count=len(strange))
            left = [name for name in left if name not in strange]
        for name in left:
            self.remove(name)
        return left


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # it goes this moment
        return time.time()
