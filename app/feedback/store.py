"""FeedbackStore: corrections, their rows in the database and their pictures on disk.

As with uploads, a row is inserted after its picture is safe and deleted before it goes; `sweep` removes what is left.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select

from app.errors import NotFound, StateReadOnly, StorageFull
from app.feedback import statements
from app.feedback.tables import Correction, Settled, feedback, standing, to_correction
from app.storage import owner
from app.storage.audit import trail
from app.storage.audit.record import Details, What
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

    def add(
        self,
        model: str,
        label: str,
        picture: "Stripped",
        *,
        read_by: str | None,
        read_as: str | None,
        giver: str | None = None,
    ) -> Settled:
        """Keeps a correction, durably. The same picture again is kept once, with the label that came last and the name
        of whoever gave that (app.feedback.givers).

        Raises StorageFull (`feedback_full` where there are too many).
        """
        told = {"label": label, "read_by": read_by, "read_as": read_as, "giver": giver}
        with self._database.writing() as connection:
            said = statements.again(connection, model, picture.sha256, told)
            database_id = owner.of(connection)
        if said is not None:
            return said
        name = self._blobs.new_id()
        self._blobs.put(name, picture.png, picture.thumbnail, database_id)
        values = {
            **told, "id": name, "created_at": now(), "changed_at": now(), "model": model, "sha256": picture.sha256,
            "bytes": len(picture.png), "width": picture.width, "height": picture.height,
        }  # fmt: skip
        try:
            with self._database.writing() as connection:
                connection.execute(select(owner.identity).with_for_update())  # one at a time: they are counted
                said = statements.again(connection, model, picture.sha256, told)
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

    def _check_room(self, connection: Connection, more_bytes: int) -> None:
        query = select(func.count(), func.coalesce(func.sum(feedback.c.bytes), 0)).select_from(feedback)
        count, size = connection.execute(query).one()
        if count >= self._most or size + more_bytes > self._most_bytes:
            raise StorageFull(
                "feedback_full",
                f"{count:,} corrections of {size / 2**20:,.0f} MiB are kept, and {self._most:,} of "
                f"{self._most_bytes / 2**20:,.0f} MiB together are the most. Delete some: GET /v1/feedback lists them, "
                "DELETE /v1/feedback/{id} deletes one, DELETE /v1/feedback?giver=… all of one giver.",
            )

    def get(self, name: str) -> Correction:
        """Raises NotFound."""
        self._check_id(name)
        with self._database.reading() as connection:
            row = connection.execute(select(feedback).where(feedback.c.id == name)).one_or_none()
        if row is None:
            raise not_there()
        return to_correction(row)

    def picture(self, name: str) -> bytes:
        """The PNG. Raises NotFound."""
        png = self.read(self.get(name))
        if png is None:
            raise not_there()
        return png

    def thumbnails(self, corrections: Sequence[Correction]) -> Sequence[bytes | None]:
        """A small PNG of each; None where it was deleted meanwhile."""
        return [self._blobs.thumbnail(correction.id) for correction in corrections]

    def list(
        self,
        limit: int,
        after: str | None = None,
        model: str | None = None,
        label: str | None = None,
        giver: str | None = None,
        *,
        held: bool | None = None,
    ) -> tuple[Sequence[Correction], bool]:
        """The newest first, those behind the correction `after`, and whether there are more.

        Raises NotFound for an unknown `after`.
        """
        time_of, id_of = feedback.c.created_at, feedback.c.id
        which = statements.chosen(model, label, giver, held=held)
        query = select(feedback).where(*which).order_by(time_of.desc(), id_of.desc()).limit(limit + 1)
        with self._database.reading() as connection:
            if after is not None:
                self._check_id(after)
                last = connection.execute(select(time_of).where(id_of == after)).scalar()
                if last is None:
                    raise not_there()
                query = query.where(or_(time_of < last, and_(time_of == last, id_of < after)))
            rows = connection.execute(query).all()
        return [to_correction(row) for row in rows[:limit]], len(rows) > limit

    def delete(self, name: str) -> None:
        """Removes the row, then the picture. Raises NotFound."""
        self._check_id(name)
        if not self._database.making_room(partial(statements.deleted, which=feedback.c.id == name)):
            raise not_there()
        self._blobs.remove([name])

    def delete_all(self, model: str | None, giver: str | None, since: float, until: float) -> int:
        """Removes those of a model, of a giver (None: of all), whose label was given from `since` on and before
        `until`. Returns how many there were."""
        when = feedback.c.changed_at >= since, feedback.c.changed_at < until
        said: Details = {"model": model, "giver": giver, "since": since, "until": until}
        return self.delete_where(and_(*statements.chosen(model, giver=giver), *when), said)

    def delete_where(self, which: ColumnElement[bool], said: Details) -> int:
        """Removes the rows that a condition on the table names, then their pictures. Returns how many there were; the
        audit log has that too, and what is `said` of the condition."""

        def deleted(connection: Connection) -> Sequence[str]:
            gone = statements.deleted(connection, which)
            trail.write(connection, What.CORRECTIONS_DELETED, None, {**said, "count": len(gone)})
            return gone

        names = self._database.making_room(deleted)
        self._blobs.remove(names)
        return len(names)

    def chosen(
        self,
        model: str | None = None,
        label: str | None = None,
        until: float | None = None,
        *,
        held: bool | None = False,
    ) -> Sequence[Correction]:
        """Those of a model and with a label, which stands since the time `until` or longer; the oldest first. Without
        those that are held back, only those, or (None) all."""
        when = [] if until is None else [standing <= until]
        which = [*statements.chosen(model, label, held=held), *when]
        query = select(feedback).where(*which).order_by(feedback.c.created_at, feedback.c.id)
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
        """How many no job has learned from, of those whose label stands since after the time `since`; none is held."""
        return self._count(*statements.chosen(model, held=False), feedback.c.job.is_(None), standing > since)

    def held(self, model: str) -> int:
        """How many of a model are held back until a person has looked at them."""
        return self._count(*statements.chosen(model, held=True))

    def _count(self, *which: ColumnElement[bool]) -> int:
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(feedback).where(*which)).scalar_one()

    def _check_id(self, name: str) -> None:
        if not self._blobs.is_id(name):
            raise not_there()

    def sweep(self, kept_days: float = 0.0) -> Sequence[str]:
        """Deletes corrections that are older (0: none), and removes pictures that no row knows; returns their names."""
        if kept_days:
            old = feedback.c.changed_at < now() - kept_days * _DAY
            self._blobs.remove(self._database.making_room(partial(statements.expired, which=old, days=kept_days)))
        left = self._blobs.leftovers.old()
        with self._database.reading() as connection:
            known = set(connection.execute(select(feedback.c.id)).scalars())
            database_id = owner.of(connection)
        return self._blobs.leftovers.clear(left, known, database_id)


def not_there() -> NotFound:
    """Where there is none, and where it is not for whoever asks."""
    return NotFound("feedback_not_found", "There is no correction of this id. See the list of corrections.")
