"""FeedbackStore: corrections, their rows in the database and their pictures on disk.

As with uploads, a row is inserted after its picture is safe and deleted before it goes; `sweep` removes what is left.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select

from app.errors import NotFound, StateReadOnly, StorageFull
from app.feedback.tables import Correction, Settled, feedback, to_correction
from app.storage import owner
from app.storage.blobs import BlobStore
from app.storage.db import Database, now
from app.storage.disk import SPARE_BYTES

if TYPE_CHECKING:
    from models_store.pictures.stripped import Stripped

_DAY = 86_400


class FeedbackStore:
    """All corrections of one database. Every method that reads or writes rows may raise DatabaseUnavailable.

    Methods block: call them from a thread.
    """

    def __init__(
        self,
        database: Database,
        state_dir: Path,
        most: int = 10_000,
        spare_bytes: int = SPARE_BYTES,
        most_bytes: int = 2 * 2**30,
    ) -> None:
        """The pictures lie in `state_dir`/feedback, and leave `spare_bytes` of the disk free. Keeps `most` of them, of
        `most_bytes` together."""
        self._database = database
        self._blobs = BlobStore(state_dir / "feedback", "fb", spare_bytes)
        self._most = most
        self._most_bytes = most_bytes

    def add(self, model: str, label: str, picture: "Stripped", *, read_by: str | None, read_as: str | None) -> Settled:
        """Keeps a correction, durably. The same picture again is kept once, with the label that came last.

        Raises StorageFull (`feedback_full` where there are too many).
        """
        with self._database.writing() as connection:
            said = self._again(connection, model, label, picture.sha256, read_by, read_as)
            database_id = owner.of(connection)
        if said is not None:
            return said
        name = self._blobs.new_id()
        self._blobs.put(name, picture.png, picture.thumbnail, database_id)
        values = {
            "id": name, "created_at": now(), "changed_at": now(), "model": model, "label": label, "read_by": read_by,
            "read_as": read_as, "sha256": picture.sha256, "bytes": len(picture.png), "width": picture.width,
            "height": picture.height,
        }  # fmt: skip
        try:
            with self._database.writing() as connection:
                connection.execute(select(owner.identity).with_for_update())  # one at a time: they are counted
                said = self._again(connection, model, label, picture.sha256, read_by, read_as)
                if said is None:
                    self._check_room(connection, len(picture.png))
                    row = connection.execute(insert(feedback).values(values).returning(*feedback.c)).one()
                    return Settled(to_correction(row), is_new=True)
        except (StateReadOnly, StorageFull):
            self._blobs.remove([name])
            raise
        # After any other error nobody knows whether the row is there: `sweep` will.
        self._blobs.remove([name])
        return said

    def _again(
        self, connection: Connection, model: str, label: str, sha256: str, read_by: str | None, read_as: str | None
    ) -> Settled | None:
        """What becomes of a picture that is there already: the last word counts."""
        same = and_(feedback.c.model == model, feedback.c.sha256 == sha256)
        row = connection.execute(select(feedback).where(same).with_for_update()).one_or_none()
        if row is None or row.label == label:
            return None if row is None else Settled(to_correction(row), is_new=False)
        values = {"label": label, "read_by": read_by, "read_as": read_as, "changed_at": now(), "job": None}
        query = feedback.update().where(feedback.c.id == row.id).values(values).returning(*feedback.c)
        return Settled(to_correction(connection.execute(query).one()), is_new=False, replaced=str(row.label))

    def _check_room(self, connection: Connection, more_bytes: int) -> None:
        query = select(func.count(), func.coalesce(func.sum(feedback.c.bytes), 0)).select_from(feedback)
        count, size = connection.execute(query).one()
        if count >= self._most or size + more_bytes > self._most_bytes:
            raise StorageFull(
                "feedback_full",
                f"{count:,} corrections of {size / 2**20:,.0f} MiB are kept, and {self._most:,} of "
                f"{self._most_bytes / 2**20:,.0f} MiB together are the most. Delete some: GET /v1/feedback lists them, "
                "DELETE /v1/feedback/{id} deletes one.",
            )

    def get(self, name: str) -> Correction:
        """Raises NotFound."""
        self._check_id(name)
        with self._database.reading() as connection:
            row = connection.execute(select(feedback).where(feedback.c.id == name)).one_or_none()
        if row is None:
            raise _not_there()
        return to_correction(row)

    def picture(self, name: str) -> bytes:
        """The PNG. Raises NotFound."""
        png = self.read(self.get(name))
        if png is None:
            raise _not_there()
        return png

    def thumbnails(self, corrections: Sequence[Correction]) -> Sequence[bytes | None]:
        """A small PNG of each; None where it was deleted meanwhile."""
        return [self._blobs.thumbnail(correction.id) for correction in corrections]

    def list(
        self, limit: int, after: str | None = None, model: str | None = None, label: str | None = None
    ) -> tuple[Sequence[Correction], bool]:
        """The newest first, those behind the correction `after`, and whether there are more.

        Raises NotFound for an unknown `after`.
        """
        time_of, id_of = feedback.c.created_at, feedback.c.id
        query = select(feedback).where(*_chosen(model, label)).order_by(time_of.desc(), id_of.desc()).limit(limit + 1)
        with self._database.reading() as connection:
            if after is not None:
                self._check_id(after)
                last = connection.execute(select(time_of).where(id_of == after)).scalar()
                if last is None:
                    raise _not_there()
                query = query.where(or_(time_of < last, and_(time_of == last, id_of < after)))
            rows = connection.execute(query).all()
        return [to_correction(row) for row in rows[:limit]], len(rows) > limit

    def delete(self, name: str) -> None:
        """Removes the row, then the picture. Raises NotFound."""
        self._check_id(name)
        if not self._database.making_room(partial(_deleted, which=feedback.c.id == name)):
            raise _not_there()
        self._blobs.remove([name])

    def chosen(
        self, model: str | None = None, label: str | None = None, until: float | None = None
    ) -> Sequence[Correction]:
        """Those of a model and with a label, whose label was given at the time `until` or before; the oldest first."""
        when = [] if until is None else [feedback.c.changed_at <= until]
        query = select(feedback).where(*_chosen(model, label), *when).order_by(feedback.c.created_at, feedback.c.id)
        with self._database.reading() as connection:
            return [to_correction(row) for row in connection.execute(query)]

    def read(self, correction: Correction) -> bytes | None:
        """Its PNG, without asking the database again; None where it was deleted meanwhile."""
        return self._blobs.picture(correction.id)

    def per_label(self, model: str) -> Mapping[str, int]:
        """How many corrections of a model there are with each label."""
        query = select(feedback.c.label, func.count()).where(feedback.c.model == model)
        with self._database.reading() as connection:
            rows = connection.execute(query.group_by(feedback.c.label)).all()
        return {str(label): int(count) for label, count in sorted(rows)}

    def waiting(self, model: str, since: float = 0.0) -> int:
        """How many no job has learned from, of those whose label was given after the time `since`."""
        which = feedback.c.model == model, feedback.c.job.is_(None), feedback.c.changed_at > since
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(feedback).where(*which)).scalar_one()

    def _check_id(self, name: str) -> None:
        if not self._blobs.is_id(name):
            raise _not_there()

    def sweep(self, kept_days: float = 0.0) -> Sequence[str]:
        """Deletes corrections that are older (0: none), and removes pictures that no row knows; returns their names."""
        if kept_days:
            old = feedback.c.changed_at < now() - kept_days * _DAY
            self._blobs.remove(self._database.making_room(partial(_deleted, which=old)))
        left = self._blobs.leftovers.old()
        with self._database.reading() as connection:
            known = set(connection.execute(select(feedback.c.id)).scalars())
            database_id = owner.of(connection)
        return self._blobs.leftovers.clear(left, known, database_id)


def learned(connection: Connection, model: str, until: float, job_id: str) -> None:
    """Notes, in somebody's transaction, the job that learned from all corrections of a model until a time."""
    which = feedback.c.model == model, feedback.c.job.is_(None), feedback.c.changed_at <= until
    connection.execute(feedback.update().where(*which).values(job=job_id))


def _deleted(connection: Connection, which: ColumnElement[bool]) -> Sequence[str]:
    return connection.execute(feedback.delete().where(which).returning(feedback.c.id)).scalars().all()


def _chosen(model: str | None, label: str | None) -> list[ColumnElement[bool]]:
    wanted = {feedback.c.model: model, feedback.c.label: label}
    return [column == value for column, value in wanted.items() if value is not None]


def _not_there() -> NotFound:
    return NotFound("feedback_not_found", "There is no correction of this id. See the list of corrections.")
