"""ReviewStore: pictures that a model was uncertain of, and which of them to look at.

A row is inserted after its bytes are safe and deleted before they go; `sweep` removes what has no row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.errors import NotFound, StateReadOnly, StorageFull
from app.review.choice import spread
from app.review.tables import review
from app.storage import owner
from app.storage.audit import trail
from app.storage.audit.record import What
from app.storage.blobs import BlobStore
from app.storage.db import Database, now
from app.storage.disk import SPARE_BYTES
from models_store.errors import BadRef
from models_store.refs import Ref

if TYPE_CHECKING:
    from models_store.pictures.stripped import Stripped

_DAY = 86_400


@dataclass(frozen=True)
class Uncertain:
    """One picture to be kept: which version read it, what it read, and the picture itself without metadata."""

    model: str
    probabilities: Mapping[str, float]
    stripped: "Stripped"
    sketch: bytes


@dataclass(frozen=True)
class Waiting:
    """One picture that waits for a person. `probabilities` has all labels of the version that read it, in order."""

    id: str
    created_at: float
    model: str
    label: str
    confidence: float
    probabilities: Mapping[str, float]


_WAITING = [review.c[name] for name in Waiting.__dataclass_fields__]


class ReviewStore:
    """The pictures of one database. Every method blocks and may raise DatabaseUnavailable: call them from a thread."""

    def __init__(
        self,
        database: Database,
        state_dir: Path,
        max_pictures: int = 1000,
        kept_days: float = 30,
        spare_bytes: int = SPARE_BYTES,
    ) -> None:
        """The bytes lie in `state_dir`/review, and leave `spare_bytes` of the disk free. `kept_days` 0 is for ever."""
        self._database = database
        self._blobs = BlobStore(state_dir / "review", "rv", spare_bytes)
        self._max_pictures = max_pictures
        self._kept_days = kept_days

    def add(self, picture: Uncertain) -> str | None:
        """Keeps a picture, durably, and lets the oldest go where there are too many. Raises StorageFull.

        Returns its id, None where the same picture is kept already.
        """
        with self._database.reading() as connection:
            if connection.execute(select(review.c.id).where(review.c.sha256 == picture.stripped.sha256)).first():
                return None
            database_id = owner.of(connection)
        picture_id = self._blobs.new_id()
        self._blobs.put(picture_id, picture.stripped.png, picture.stripped.thumbnail, database_id)
        try:
            with self._database.writing() as connection:
                is_new = _insert(connection, picture_id, picture)
                gone = self._too_many(connection)
        except (StateReadOnly, StorageFull):
            self._blobs.remove([picture_id])
            raise
        # After any other error nobody knows whether the row is there: `sweep` will.
        self._blobs.remove(gone if is_new else [picture_id, *gone])
        return picture_id if is_new else None

    def queue(self, limit: int, model: str | None = None) -> tuple[Sequence[Waiting], bool]:
        """The pictures that are worth a look, in that order, and whether more wait.

        `model` keeps what a model read, any of its versions or the one of `name@7`. Raises BadRef.
        """
        query = select(review.c.id, review.c.confidence, review.c.sketch).order_by(review.c.confidence, review.c.id)
        query = query if model is None else query.where(_read_by(model))
        with self._database.reading() as connection:
            found = connection.execute(query.limit(self._max_pictures)).all()
            chosen = spread([row.confidence for row in found], [bytes(row.sketch) for row in found], limit)
            ids = [found[index].id for index in chosen]
            rows = connection.execute(select(*_WAITING).where(review.c.id.in_(ids))).all()
        known = {row.id: _to_waiting(row) for row in rows}
        return [known[one] for one in ids if one in known], len(found) > len(ids)  # some may go between the statements

    def get(self, picture_id: str) -> Waiting:
        """Raises NotFound."""
        self._check_id(picture_id)
        with self._database.reading() as connection:
            row = connection.execute(select(*_WAITING).where(review.c.id == picture_id)).one_or_none()
        if row is None:
            raise _no_picture()
        return _to_waiting(row)

    def picture(self, picture_id: str) -> bytes:
        """The PNG file. Raises NotFound."""
        png = self._blobs.picture(self.get(picture_id).id)
        if png is None:
            raise _no_picture()
        return png

    def thumbnails(self, pictures: Sequence[Waiting]) -> Sequence[bytes | None]:
        """A small PNG of each; None where it went meanwhile."""
        return [self._blobs.thumbnail(picture.id) for picture in pictures]

    def delete(self, picture_id: str) -> None:
        """Removes the row, then the bytes. Raises NotFound."""
        self._check_id(picture_id)
        if not self._database.making_room(partial(_deleted, which=review.c.id == picture_id)):
            raise _no_picture()
        self._blobs.remove([picture_id])

    def answered(self, model: str, sha256: str) -> None:
        """Somebody has said what these pixels are for a model: where a version of it was uncertain of them, they go."""
        with self._database.writing() as connection:
            gone = _deleted(connection, and_(review.c.sha256 == sha256, _read_by(model)))
        self._blobs.remove(gone)

    def sweep(self) -> Sequence[str]:
        """Removes pictures that are past their days or too many, and bytes without a row that are older than an hour.

        Returns the ids and the names of what went.
        """

        def swept(connection: Connection) -> Sequence[str]:
            old, more = self._too_old(connection), self._too_many(connection)
            if old:
                details = {"kind": "review", "count": len(old), "after_days": self._kept_days}
                trail.write(connection, What.PICTURES_EXPIRED, None, details)
            return [*old, *more]

        gone = self._database.making_room(swept)
        self._blobs.remove(gone)
        left = self._blobs.leftovers.old()
        with self._database.reading() as connection:
            known = set(connection.execute(select(review.c.id)).scalars())
            database_id = owner.of(connection)
        return [*gone, *self._blobs.leftovers.clear(left, known, database_id)]

    def _check_id(self, picture_id: str) -> None:
        if not self._blobs.is_id(picture_id):
            raise _no_picture()

    def _too_many(self, connection: Connection) -> Sequence[str]:
        newest_first = select(review.c.id).order_by(review.c.created_at.desc(), review.c.id.desc())
        return _deleted(connection, review.c.id.in_(newest_first.offset(self._max_pictures)))

    def _too_old(self, connection: Connection) -> Sequence[str]:
        return _deleted(connection, review.c.created_at < now() - self._kept_days * _DAY) if self._kept_days else []


def _insert(connection: Connection, picture_id: str, picture: Uncertain) -> bool:
    """Whether the picture is new."""
    label, confidence = max(picture.probabilities.items(), key=lambda pair: pair[1])
    values = {
        "id": picture_id, "created_at": now(), "model": picture.model, "label": label, "confidence": confidence,
        "probabilities": dict(picture.probabilities), "sketch": picture.sketch, "sha256": picture.stripped.sha256,
    }  # fmt: skip
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    query = insert(review).values(values).on_conflict_do_nothing().returning(review.c.id)
    return connection.execute(query).first() is not None


def _deleted(connection: Connection, which: ColumnElement[bool]) -> Sequence[str]:
    return connection.execute(delete(review).where(which).returning(review.c.id)).scalars().all()


def _read_by(model: str) -> ColumnElement[bool]:
    ref = Ref.parse(model)
    if ref.version is not None:
        return review.c.model == model
    if "@" in model:  # where an alias points now says nothing of what was read then
        raise BadRef("Ask for what a model or one of its versions read: NAME or NAME@7.")
    return review.c.model.startswith(f"{ref.name}@")


def _no_picture() -> NotFound:
    return NotFound("picture_not_found", "No picture of this id waits for review. See the list of those that do.")


def _to_waiting(row: Row[Any]) -> Waiting:
    return Waiting(**row._mapping)
