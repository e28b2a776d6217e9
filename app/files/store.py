"""FileStore: uploaded data sets, their rows in the database and their bytes on disk.

A row is inserted after its bytes are safe and deleted before they go: what has no row was never acknowledged, or is
deleted, and `sweep` removes it, where the folder is this database's alone.
"""

import dataclasses
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Row, and_, insert, or_, select

from app.errors import Conflict, NotFound, StateReadOnly, StorageFull
from app.files.room import FileLimits
from app.files.tables import files
from app.storage import owner, private, refusals
from app.storage.audit import trail
from app.storage.audit.record import What
from app.storage.db import Database, now
from app.storage.disk import SPARE_BYTES, check_room
from app.storage.leftovers import ARRIVING, Leftovers
from models_store import records
from models_store.durable import sync_folder
from models_store.specs import InputSpec

DATA = "data"  # the one file in an upload's folder: a table that names files beside it finds no other upload
# The id of a job that has not ended and needs the file, or None; asked inside the transaction that deletes.
InUse = Callable[[Connection, str], str | None]
_ID = re.compile(r"file-[0-9a-z]{1,35}")
_DAY = 86_400


def nobody(connection: Connection, file_id: str) -> str | None:
    """For a store beside which there are no jobs."""
    return None


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

    def __init__(
        self, database: Database, state_dir: Path, spare_bytes: int = SPARE_BYTES, limits: FileLimits | None = None
    ) -> None:
        """The bytes lie in `state_dir`/files. Uploads leave `spare_bytes` of the disk free and stay within `limits`."""
        self.spare_bytes = spare_bytes
        self._database = database
        self._folder = state_dir / "files"
        self._limits = limits or FileLimits()
        self._leftovers = Leftovers(self._folder, "uploads", _is_id)

    @contextmanager
    def arriving(self, length: int) -> Iterator[Path]:
        """An empty folder for an upload of `length` bytes; gone at the end of the block unless `add` took it.

        Raises StorageFull where the disk has no room for it, or where there are too many (`files_full`) with those that
        are on their way too, StateReadOnly.
        """
        with refusals.of_files():
            if not self._folder.is_dir():
                private.folder(self._folder)
                sync_folder(self._folder.parent)
            check_room(self._folder, length + self.spare_bytes)
            count, size = self._on_their_way()
        with self._database.reading() as connection:
            self._limits.check(connection, count + 1, size + length)
        with refusals.of_files():
            folder = Path(tempfile.mkdtemp(dir=self._folder, prefix=ARRIVING))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _on_their_way(self) -> tuple[int, int]:
        """How many uploads of all processes arrive now, and how many bytes of them are here."""
        arriving = [path / DATA for path in self._folder.glob(f"{ARRIVING}*")]
        return len(arriving), sum(path.stat().st_size for path in arriving if path.is_file())

    def add(self, folder: Path, upload: Upload, report: Mapping[str, Any]) -> StoredFile:
        """Makes an arrived folder, whose file is durable already, an upload that survives.

        Raises StorageFull (also `files_full`: of many that arrived together the last ones), StateReadOnly.
        """
        file_id = f"file-{secrets.token_hex(12)}"
        home = self._folder / file_id
        with self._database.reading() as connection:
            database_id = owner.of(connection)
        with refusals.of_files():
            owner.note(self._folder, database_id)
            folder.touch()  # reading may have taken long: for `sweep` it is new
            sync_folder(folder)
            folder.rename(home)
            sync_folder(self._folder)
        values = {"id": file_id, "created_at": now(), **dataclasses.asdict(upload), "report": dict(report)}
        try:
            with self._database.writing() as connection:
                connection.execute(select(owner.identity).with_for_update())  # one at a time: they are counted
                self._limits.check(connection, 1, upload.bytes)
                row = connection.execute(insert(files).values(values).returning(*files.c)).one()
        except (StateReadOnly, StorageFull):
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
        """What there is to say of an upload, and its bytes, for the caller to close. Raises NotFound, StateReadOnly."""
        file = self.get(file_id)
        with refusals.of_files():
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

    def delete(self, file_id: str, in_use: InUse, after_days: float = 0.0) -> None:
        """Removes the row, then the bytes; `after_days` is why, where nobody asked for it. Raises NotFound, and
        Conflict (`file_in_use`) while a job needs it."""
        _check_id(file_id)

        def deleted(connection: Connection) -> None:
            # locked, so that a job that is being made either sees it gone or is seen
            query = select(files.c.id, files.c.bytes).where(files.c.id == file_id).with_for_update()
            row = connection.execute(query).one_or_none()
            if row is None:
                raise _no_file(file_id)
            job = in_use(connection, file_id)
            if job is not None:
                raise Conflict("file_in_use", f"The job {job} needs this file. Cancel it, or wait until it has ended.")
            connection.execute(files.delete().where(files.c.id == file_id))
            details = {"bytes": row.bytes} | ({"after_days": after_days} if after_days else {})
            trail.write(connection, What.DATA_SET_DELETED, file_id, details)

        self._database.making_room(deleted)
        shutil.rmtree(self._folder / file_id, ignore_errors=True)

    def sweep(self, kept_days: float = 0.0, in_use: InUse = nobody) -> Sequence[str]:
        """Deletes files that are older (0: none) and that no job needs, and removes the folders without a row that are
        older than an hour; returns their names.

        Where another database had uploads here, what has no row may be one of those: only what never arrived goes.
        """
        if kept_days:
            old_ones = select(files.c.id).where(files.c.created_at < now() - kept_days * _DAY)
            with self._database.reading() as connection:
                past = connection.execute(old_ones).scalars().all()
            for file_id in past:
                with suppress(Conflict, NotFound):  # a job needs it still; somebody else was quicker
                    self.delete(file_id, in_use, kept_days)
        old = self._leftovers.old()
        with self._database.reading() as connection:
            known = set(connection.execute(select(files.c.id)).scalars())
            database_id = owner.of(connection)
        return self._leftovers.clear(old, known, database_id)


def _is_id(name: str) -> bool:
    return _ID.fullmatch(name) is not None


def _check_id(file_id: str) -> None:
    # no other text can be one's name, and PostgreSQL refuses some: a NUL
    if not _ID.fullmatch(file_id):
        raise _no_file(file_id)


def _no_file(file_id: str) -> NotFound:
    shown = file_id if _ID.fullmatch(file_id) else "of this id"
    return NotFound("file_not_found", f"There is no file {shown}. See the list of files.")


def _to_file(row: Row[Any]) -> StoredFile:
    return StoredFile(**row._mapping)
