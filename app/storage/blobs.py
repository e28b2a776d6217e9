"""People's pictures on disk, whole or not at all: a folder for each id.

fb-…/picture.png   and thumbnail.png where the picture is larger than one
"""

import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from app.storage import owner, private, refusals
from app.storage.disk import check_room
from app.storage.leftovers import ARRIVING, Leftovers
from models_store.durable import sync_folder, sync_tree

PICTURE, THUMBNAIL = "picture.png", "thumbnail.png"


class BlobStore:
    """One kind of pictures in one folder, which is made, closed to other users, when the first picture comes."""

    def __init__(self, folder: Path, prefix: str, spare_bytes: int) -> None:
        """Ids begin with `prefix`. Pictures leave `spare_bytes` of the disk free."""
        self._folder = folder
        self._prefix = prefix
        self._id = re.compile(rf"{prefix}-[0-9a-f]{{24}}")
        self._spare_bytes = spare_bytes
        self.leftovers = Leftovers(folder, "pictures", self.is_id)

    def new_id(self) -> str:
        """One that nothing has."""
        return f"{self._prefix}-{secrets.token_hex(12)}"

    def is_id(self, name: str) -> bool:
        """Whether a picture can be called that; PostgreSQL refuses some other texts: a NUL."""
        return self._id.fullmatch(name) is not None

    def put(self, name: str, picture: bytes, thumbnail: bytes, database_id: str) -> None:
        """Keeps a picture; when this returns, it survives a power cut. Raises StorageFull, StateReadOnly."""
        with refusals.of_files():
            if not self._folder.is_dir():
                private.folder(self._folder)
                sync_folder(self._folder.parent)
            check_room(self._folder, len(picture) + len(thumbnail) + self._spare_bytes)
            owner.note(self._folder, database_id)
            arriving = Path(tempfile.mkdtemp(dir=self._folder, prefix=ARRIVING))  # closed to other users
            try:
                private.write(arriving / PICTURE, picture)
                if thumbnail != picture:
                    private.write(arriving / THUMBNAIL, thumbnail)
                sync_tree(arriving)
                arriving.rename(self._folder / name)
                sync_folder(self._folder)
            except BaseException:
                shutil.rmtree(arriving, ignore_errors=True)
                raise

    def picture(self, name: str) -> bytes | None:
        """None where it is gone. Raises StateReadOnly."""
        return self._read(name, PICTURE)

    def thumbnail(self, name: str) -> bytes | None:
        """None where it is gone. Raises StateReadOnly."""
        small = self._read(name, THUMBNAIL)
        return self._read(name, PICTURE) if small is None else small

    def remove(self, names: Iterable[str]) -> None:
        """Takes pictures away, where they are still there."""
        self.leftovers.remove(names)

    def _read(self, name: str, file: str) -> bytes | None:
        with refusals.of_files():
            try:
                return (self._folder / name / file).read_bytes()
            except FileNotFoundError:
                return None
