"""What lies on disk for a database's rows: people's pictures, data sets, checkpoints of jobs that have not ended."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, Table, inspect

from app.storage.backup.archive import ArchiveWriter
from app.storage.backup.contents import STATE, is_segment
from models_store.handover import CHECKPOINTS
from models_store.refs import Ref

JOBS = "jobs"


@dataclass(frozen=True)
class RowFiles:
    """One kind of rows, with a folder of files for each: `state`/`folder`/`id`/`file`, and what lies beside that."""

    folder: str
    file: str  # the one that must be there
    ids: Select[tuple[str]]


@dataclass(frozen=True)
class RowNames:
    """Which statements tell what lies on disk. `jobs` gives the id, the attempt and the base of those that go on."""

    files: Sequence[RowFiles]
    jobs: Select[tuple[str, int, str]]


@dataclass(frozen=True)
class NamedFile:
    """A folder of a row's files: in the state folder, and in the archive."""

    place: str
    file: str

    @property
    def must(self) -> str:
        """The member that must be there."""
        return f"{STATE}/{self.place}/{self.file}"


@dataclass(frozen=True)
class OpenJob:
    """A job that has not ended."""

    id: str
    attempt: int
    base: str  # the version that it starts from

    @property
    def place(self) -> str:
        """Where its checkpoints go: no attempt after this one may find its folder there."""
        return f"{JOBS}/{self.id}/attempt-{self.attempt}"

    @property
    def version(self) -> tuple[str, int] | None:
        """Its base as name and number."""
        ref = Ref.parse(self.base)
        return None if ref.version is None else (ref.name, ref.version)


def named(connection: Connection, names: RowNames) -> tuple[list[NamedFile], list[OpenJob]]:
    """What the rows of a database name, whatever release made it."""
    files = [
        NamedFile(f"{kind.folder}/{name}", kind.file) for kind in names.files for (name,) in _rows(connection, kind.ids)
    ]
    return files, [OpenJob(*row) for row in _rows(connection, names.jobs)]


def copy(state_dir: Path, file: NamedFile, archive: ArchiveWriter) -> bool:
    """Adds a row's files; False where they are not there. Raises as ArchiveWriter's `add`."""
    folder = state_dir / file.place
    try:
        archive.add(file.must, folder / file.file)
    except FileNotFoundError:
        return False
    for name in _inside(folder):
        archive_name = f"{STATE}/{file.place}/{name}"
        if is_segment(name):
            _add_if_there(archive, archive_name, folder / name)
    return True


def copy_checkpoints(state_dir: Path, job: OpenJob, archive: ArchiveWriter) -> None:
    """Adds the last checkpoints of a job, if there are any: without them it begins anew. Raises as `add`."""
    home = state_dir / JOBS / job.id
    if not job.attempt:  # nobody had it at that moment
        return
    numbers = sorted((int(name.removeprefix("attempt-")) for name in _inside(home) if _is_attempt(name)), reverse=True)
    for number in numbers:
        found = sorted((home / f"attempt-{number}").glob(CHECKPOINTS))
        for path in found:
            _add_if_there(archive, f"{STATE}/{job.place}/{path.name}", path)
        if found:
            return


def _add_if_there(archive: ArchiveWriter, name: str, path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        archive.add(name, path)


def _inside(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_file() or path.is_dir())
    except FileNotFoundError:
        return []


def _is_attempt(name: str) -> bool:
    return name.startswith("attempt-") and name.removeprefix("attempt-").isdecimal()


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """None of a table that the release did not know which made the database."""
    (table,) = query.get_final_froms()
    assert isinstance(table, Table), "what is asked for lies in tables"
    if inspect(connection).has_table(table.name):
        yield from connection.execute(query)
