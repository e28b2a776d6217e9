"""Sample: a bounded, uniform random sample of the pictures that two versions read otherwise, shared by all processes.

Each picture draws a rank at random, and those with the lowest ranks are kept: whoever adds them, and however many come,
every difference is as likely to be among them (the sampling of Vitter's reservoir, with keys, so that nobody counts).
Where several clients send pictures, each crowd of them has as much room as any other: nobody fills the sample alone.
"""

import hashlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.errors import Conflict, NotFound, StateReadOnly, StorageFull
from app.shadow.mcnemar import MOST_LABELS
from app.shadow.record import Difference, Question, Readings, Shadow
from app.shadow.tables import differences, shadows
from app.storage import owner
from app.storage.blobs import BlobStore
from app.storage.db import Database, now
from app.storage.disk import SPARE_BYTES

MOST_KEPT = 500  # of one challenger
_CROWDS = 64
SHEET = 20  # pictures that are asked about together
UNREADABLE = "unreadable"  # in the place of a label


class Sample:
    """The pictures of one database. Every method blocks and may raise DatabaseUnavailable: call them from a thread."""

    def __init__(
        self,
        database: Database,
        state_dir: Path,
        most: int = MOST_KEPT,
        spare_bytes: int = SPARE_BYTES,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """The bytes lie in `state_dir`/shadow, and leave `spare_bytes` of the disk free."""
        self._database = database
        self._blobs = BlobStore(state_dir / "shadow", "sh", spare_bytes)
        self._most = most
        self._chance = chance

    def drawn(self, shadow: Shadow, client: str = "") -> float | None:
        """The rank of one more difference; None where it is not among those to keep. To be asked before its picture is
        packed, which takes longer."""
        rank, theirs = self._chance(), crowd(shadow.id, client)
        with self._database.reading() as connection:
            sizes = _sizes(connection, shadow.id)
            if sum(sizes.values()) < self._most or sizes.get(theirs, 0) < max(sizes.values()):
                return rank
            own = _waits_in(shadow.id), differences.c.crowd == theirs
            highest = connection.execute(select(func.max(differences.c.rank)).where(*own)).scalar()
        return rank if highest is not None and rank < highest else None

    def add(self, shadow: Shadow, difference: Difference, rank: float) -> str | None:
        """Keeps a difference of this rank, durably, while the comparison goes on; returns its id.

        None where it has ended, or the same picture is kept already. Raises StorageFull, StateReadOnly.
        """
        name, stripped, reading = self._blobs.new_id(), difference.stripped, difference.reading
        with self._database.reading() as connection:
            ours = differences.c.shadow == shadow.id, differences.c.sha256 == stripped.sha256
            if connection.execute(select(differences.c.id).where(*ours)).first():
                return None
            database_id = owner.of(connection)
        self._blobs.put(name, stripped.png, stripped.thumbnail, database_id)
        values = {
            "id": name, "shadow": shadow.id, "created_at": now(), "rank": rank,
            "crowd": crowd(shadow.id, difference.client), "turned": int(self._chance() < 0.5),
            "sha256": stripped.sha256, **{key: getattr(reading, key) for key in Readings.__dataclass_fields__},
        }  # fmt: skip
        try:
            with self._database.writing() as connection:
                goes_on = select(shadows.c.id).where(shadows.c.id == shadow.id, shadows.c.ended_at.is_(None))
                is_new = bool(connection.execute(goes_on.with_for_update()).first()) and _insert(connection, values)
                gone = self._surplus(connection, shadow.id)
        except (StateReadOnly, StorageFull):
            self._blobs.remove([name])
            raise
        # after any other error nobody knows whether the row is there: `sweep` will
        self._blobs.remove(gone if is_new else [name, *gone])
        return name if is_new else None

    def sheet(self, shadow: Shadow) -> tuple[Sequence[Question], int]:
        """The pictures to be labelled now, and how many more wait.

        Which come is drawn when they are first shown, and the next ones come when all of these have a label: nobody
        picks those that are easy.
        """
        if not shadow.is_active:
            return [], 0
        found, waiting = self._asked(shadow)
        if not found and waiting:
            count = max(0, min(SHEET, MOST_LABELS - shadow.labels.count))
            first = _in_turn(shadow.id).limit(count)
            with self._database.writing() as connection:
                asked = differences.update().where(differences.c.id.in_(first), _WAITS)
                connection.execute(asked.values(asked_at=now()))
            found, waiting = self._asked(shadow)
        return found, waiting

    def answered(self, connection: Connection, shadow: Shadow, picture_id: str, label: str) -> Readings:
        """Writes a label down, in the caller's transaction: what the two had said. The picture may go after it.

        Raises NotFound, and Conflict (`labelled_already`, `not_asked`).
        """
        ours = differences.c.id == picture_id, differences.c.shadow == shadow.id
        names = [differences.c[name] for name in Readings.__dataclass_fields__]
        opened = *ours, differences.c.label.is_(None), differences.c.asked_at.is_not(None)
        query = differences.update().where(*opened).values(label=label, labelled_at=now()).returning(*names)
        row = connection.execute(query).one_or_none() if self._blobs.is_id(picture_id) else None
        if row is not None:
            return Readings(**row._mapping)
        self._refuse(connection, ours, picture_id)
        raise AssertionError("one of the reasons holds")

    def _refuse(self, connection: Connection, ours: Sequence[ColumnElement[bool]], picture_id: str) -> None:
        known = self._blobs.is_id(picture_id)
        row = connection.execute(select(differences.c.label).where(*ours)).one_or_none() if known else None
        if row is None:
            raise _no_picture()
        if row.label is not None:
            raise Conflict("labelled_already", "The picture has a label, which counts. See the list for the next ones.")
        raise Conflict("not_asked", "It is not this picture's turn. See the list for those that wait for a label now.")

    def known(self, shadow: Shadow, picture_id: str) -> None:
        """Raises NotFound for a picture that a person was not asked about, or that has its label."""
        shown = differences.c.shadow == shadow.id, differences.c.asked_at.is_not(None), differences.c.label.is_(None)
        if not self._blobs.is_id(picture_id):
            raise _no_picture()
        with self._database.reading() as connection:
            found = connection.execute(select(differences.c.id).where(differences.c.id == picture_id, *shown)).first()
        if found is None:
            raise _no_picture()

    def picture(self, shadow: Shadow, picture_id: str) -> bytes:
        """The PNG file of one that waits for its label. Raises NotFound."""
        self.known(shadow, picture_id)
        png = self._blobs.picture(picture_id)
        if png is None:
            raise _no_picture()
        return png

    def thumbnail(self, picture_id: str) -> bytes | None:
        """A small PNG; None where it went meanwhile."""
        return self._blobs.thumbnail(picture_id)

    def forget(self, connection: Connection, shadow_id: str) -> Sequence[str]:
        """Deletes all rows of a comparison; their pictures are to be removed when that is done."""
        query = delete(differences).where(differences.c.shadow == shadow_id).returning(differences.c.id)
        return connection.execute(query).scalars().all()

    def remove(self, picture_ids: Sequence[str]) -> None:
        """Takes pictures off the disk."""
        self._blobs.remove(picture_ids)

    def sweep(self) -> Sequence[str]:
        """Removes what belongs to a comparison that has ended, and bytes without a row; returns their ids."""
        active = select(shadows.c.id).where(shadows.c.ended_at.is_(None))
        over = delete(differences).where(differences.c.shadow.not_in(active)).returning(differences.c.id)
        gone = self._database.making_room(lambda connection: connection.execute(over).scalars().all())
        self._blobs.remove(gone)
        left = self._blobs.leftovers.old()
        with self._database.reading() as connection:
            unlabelled = select(differences.c.id).where(differences.c.label.is_(None))
            known = set(connection.execute(unlabelled).scalars())
            database_id = owner.of(connection)
        return [*gone, *self._blobs.leftovers.clear(left, known, database_id)]

    def _asked(self, shadow: Shadow) -> tuple[Sequence[Question], int]:
        open_ = differences.c.shadow == shadow.id, differences.c.asked_at.is_not(None), differences.c.label.is_(None)
        with self._database.reading() as connection:
            rows = connection.execute(select(differences).where(*open_).order_by(differences.c.rank)).all()
            waiting = connection.execute(select(func.count()).where(_waits_in(shadow.id))).scalar_one()
        pairs = [(row, (row.champion_label, row.challenger_label)) for row in rows]
        return [Question(row.id, pair[::-1] if row.turned else pair) for row, pair in pairs], waiting

    def _surplus(self, connection: Connection, shadow_id: str) -> Sequence[str]:
        """Lets the highest ranks of the largest crowd go where there are too many; what was asked about stays."""
        gone: list[str] = []
        while sum((sizes := _sizes(connection, shadow_id)).values()) > self._most:
            own = _waits_in(shadow_id), differences.c.crowd == max(sizes, key=lambda one: sizes[one])
            highest = select(differences.c.id).where(*own).order_by(differences.c.rank.desc()).limit(1)
            query = delete(differences).where(differences.c.id.in_(highest)).returning(differences.c.id)
            found = connection.execute(query).scalars().all()
            if not found:
                break
            gone += found
        return gone


_WAITS = differences.c.asked_at.is_(None)


def _waits_in(shadow_id: str) -> ColumnElement[bool]:
    return and_(differences.c.shadow == shadow_id, _WAITS)


def crowd(shadow_id: str, client: str) -> int:
    """Which crowd a client is in: too few bits to tell who it was, and others in each comparison."""
    return hashlib.sha256(f"{shadow_id} {client}".encode()).digest()[0] % _CROWDS


def _sizes(connection: Connection, shadow_id: str) -> dict[int, int]:
    """How many pictures each crowd has in the sample."""
    query = select(differences.c.crowd, func.count()).where(differences.c.shadow == shadow_id)
    return {row[0]: row[1] for row in connection.execute(query.group_by(differences.c.crowd)).all()}


def _in_turn(shadow_id: str) -> Select[tuple[str]]:
    """The ids of those that wait: crowds take turns, and within a crowd the lowest rank is first."""
    turn = func.row_number().over(partition_by=differences.c.crowd, order_by=differences.c.rank).label("turn")
    every = select(differences.c.id, differences.c.asked_at, differences.c.rank, turn)
    rows = every.where(differences.c.shadow == shadow_id).subquery()
    return select(rows.c.id).where(rows.c.asked_at.is_(None)).order_by(rows.c.turn, rows.c.rank)


def _insert(connection: Connection, values: dict[str, object]) -> bool:
    """Whether the picture is new."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    query = insert(differences).values(values).on_conflict_do_nothing().returning(differences.c.id)
    return connection.execute(query).first() is not None


def _no_picture() -> NotFound:
    return NotFound("picture_not_found", "No picture of this id waits for a label. See the list of those that do.")
