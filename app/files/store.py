"""FileStore: uploaded data sets, their rows in the database and their bytes on disk. It knows no HTTP and no job.

A row is inserted after its bytes are safe and deleted before they go: what has no row was never acknowledged, or is
deleted, and `sweep` removes it, where the folder is this database's alone.
"""

import dataclasses
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from sqlalchemy import JSON, Column, Connection, Float, Integer, Row, String, Table, Text, and_, insert, or_, select

from app.errors import Conflict, NotFound, StorageFull
from app.storage import disk, owner
from app.storage.db import Database, metadata, now
from models_store import records
from models_store.durable import sync_folder
from models_store.specs import InputSpec

files = Table(
    "files",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("filename", Text, nullable=False),  # what the client called it, to be shown; never a name on disk
    Column("purpose", String(40), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("report", JSON, nullable=False),  # what its rows are worth: models_store.datasets.clean.Report
)

DATA = "data"  # the one file in an upload's folder: a table that names files beside it finds no other upload
LEFTOVER_SECONDS = 3600  # no upload takes so long between two writes
SPARE_BYTES = 16 * 2**20  # left free by uploads, for the database beside them
# The id of a job that has not ended and needs the file, or None; asked inside the transaction that deletes.
InUse = Callable[[Connection, str], str | None]
_ID = re.compile(r"file-[0-9a-z]{1,35}")
_ARRIVING = ".arriving-"
_log = structlog.get_logger("digitserve.files")


@dataclass(frozen=True)
class Upload:
    """What there is to say of an upload's bytes, which lie in a file."""

    filename: str
    purpose: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class StoredFile:
    """One uploaded data set. `report` is a `clean.Report` as plain data, and `input`, the InputSpec it is for."""

    id: str
    created_at: float
    filename: str
    purpose: str
    bytes: int
    sha256: str
    report: Mapping[str, Any]

    @property
    def input(self) -> InputSpec:
        """What the pictures were prepared for when the report was made."""
        return records.read(InputSpec, self.report["input"])


class FileStore:
    """All uploads of one database. Every method that reads or writes rows may raise DatabaseUnavailable.

    Methods block: call them from a thread. The folder is made when the first upload comes.
    """

    def __init__(self, database: Database, state_dir: Path, spare_bytes: int = SPARE_BYTES) -> None:
        """The bytes lie in `state_dir`/files. Uploads leave `spare_bytes` of the disk free."""
        self._database = database
        self._folder = state_dir / "files"
        self._spare_bytes = spare_bytes

    @contextmanager
    def arriving(self, length: int) -> Iterator[Path]:
        """An empty folder for an upload of `length` bytes; gone at the end of the block unless `add` took it.

        Raises StorageFull where the disk has no room for it.
        """
        with disk.refusals():
            if not self._folder.is_dir():
                self._folder.mkdir(parents=True, exist_ok=True)
                sync_folder(self._folder.parent)
            if shutil.disk_usage(self._folder).free < length + self._spare_bytes:
                raise disk.full()
            folder = Path(tempfile.mkdtemp(dir=self._folder, prefix=_ARRIVING))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, folder: Path, upload: Upload, report: Mapping[str, Any]) -> StoredFile:
        """Makes an arrived folder, whose file is durable already, an upload that survives. Raises StorageFull."""
        file_id = f"file-{secrets.token_hex(12)}"
        home = self._folder / file_id
        with self._database.reading() as connection:
            database_id = owner.of(connection)
        with disk.refusals():
            owner.note(self._folder, database_id)
            folder.touch()  # reading may have taken long: for `sweep` it is new
            sync_folder(folder)
            folder.rename(home)
            sync_folder(self._folder)
        values = {"id": file_id, "created_at": now(), **dataclasses.asdict(upload), "report": dict(report)}
        try:
            with self._database.writing() as connection:
                row = connection.execute(insert(files).values(values).returning(*files.c)).one()
        except StorageFull:
            shutil.rmtree(home, ignore_errors=True)
            raise
        # After any other error nobody knows whether the row is there: `sweep` will.
        return _to_file(row)

    def get(self, file_id: str) -> StoredFile:
        """Raises NotFound."""
        _check_id(file_id)
        with self._database.reading() as connection:
            row = connection.execute(select(files).where(files.c.id == file_id)).one_or_none()
        if row is None:
            raise _no_file(file_id)
        return _to_file(row)

    def path(self, file_id: str) -> Path:
        """The uploaded bytes, to be read or linked, never written. Raises NotFound."""
        path = self._folder / self.get(file_id).id / DATA
        if not path.is_file():
            raise _no_file(file_id)
        return path

    def open(self, file_id: str) -> tuple[StoredFile, BinaryIO]:
        """What there is to say of an upload, and its bytes, for the caller to close. Raises NotFound."""
        file = self.get(file_id)
        try:
            return file, (self._folder / file.id / DATA).open("rb")
        except FileNotFoundError:  # deleted meanwhile
            raise _no_file(file_id) from None

    def list(
        self, limit: int, after: str | None = None, oldest_first: bool = False
    ) -> tuple[Sequence[StoredFile], bool]:
        """The files in the order of their time, those behind the file `after`, and whether there are more.

        Raises NotFound for an unknown `after`.
        """
        time_of, id_of = files.c.created_at, files.c.id
        order = (time_of, id_of) if oldest_first else (time_of.desc(), id_of.desc())
        query = select(files).order_by(*order).limit(limit + 1)
        with self._database.reading() as connection:
            if after is not None:
                _check_id(after)
                last = connection.execute(select(time_of).where(id_of == after)).scalar()
                if last is None:
                    raise _no_file(after)
                same = and_(time_of == last, id_of > after if oldest_first else id_of < after)
                query = query.where(or_(time_of > last if oldest_first else time_of < last, same))
            rows = connection.execute(query).all()
        return [_to_file(row) for row in rows[:limit]], len(rows) > limit

    def delete(self, file_id: str, in_use: InUse) -> None:
        """Removes the row, then the bytes. Raises NotFound, and Conflict (`file_in_use`) while a job needs it."""
        _check_id(file_id)
        with self._database.writing() as connection:
            # locked, so that a job that is being made either sees it gone or is seen
            query = select(files.c.id).where(files.c.id == file_id).with_for_update()
            if connection.execute(query).one_or_none() is None:
                raise _no_file(file_id)
            job = in_use(connection, file_id)
            if job is not None:
                raise Conflict("file_in_use", f"The job {job} needs this file. Cancel it, or wait until it has ended.")
            connection.execute(files.delete().where(files.c.id == file_id))
        shutil.rmtree(self._folder / file_id, ignore_errors=True)

    def sweep(self) -> Sequence[str]:
        """Removes the folders without a row that are older than an hour; returns their names.

        Where another database had uploads here, what has no row may be one of those: only what never arrived goes.
        """
        old = [path.name for path in self._folders() if time.time() - _changed(path) > LEFTOVER_SECONDS]
        with self._database.reading() as connection:
            known = set(connection.execute(select(files.c.id)).scalars())
            database_id = owner.of(connection)
        left = [name for name in old if name not in known]
        if not owner.is_only(self._folder, database_id):
            strange = [name for name in left if _ID.fullmatch(name)]
            if strange:
                _log.warning("uploads_of_another_database", folder=str(self._folder), count=len(strange))
            left = [name for name in left if name not in strange]
        for name in left:
            shutil.rmtree(self._folder / name, ignore_errors=True)
        return left

    def _folders(self) -> Sequence[Path]:
        if not self._folder.is_dir():
            return []
        return [path for path in self._folder.iterdir() if path.name.startswith(_ARRIVING) or _ID.fullmatch(path.name)]


def _changed(folder: Path) -> float:
    """When something was last written in it, as Unix time."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:  # it goes this moment
        return time.time()


def _check_id(file_id: str) -> None:
    # no other text can be one's name, and PostgreSQL refuses some: a NUL
    if not _ID.fullmatch(file_id):
        raise _no_file(file_id)


def _no_file(file_id: str) -> NotFound:
    shown = file_id if _ID.fullmatch(file_id) else "of this id"
    return NotFound("file_not_found", f"There is no file {shown}. See the list of files.")


def _to_file(row: Row[Any]) -> StoredFile:
    return StoredFile(**row._mapping)
