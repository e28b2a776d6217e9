"""Statements on corrections that more than one act needs."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, and_, select

from app.feedback.tables import Settled, feedback, to_correction
from app.storage.audit import trail
from app.storage.audit.record import What
from app.storage.db import now


def again(connection: Connection, model: str, sha256: str, told: Mapping[str, str | None]) -> Settled | None:
    """What becomes of a picture that is there already: the last word counts. One that is held back stays so: whoever
    changes its label is not the person who looks at it."""
    same = and_(feedback.c.model == model, feedback.c.sha256 == sha256)
    row = connection.execute(select(feedback).where(same).with_for_update()).one_or_none()
    if row is None or row.label == told["label"]:
        return None if row is None else Settled(to_correction(row), is_new=False)
    values = {**told, "changed_at": now(), "released_at": None, "job": None}
    query = feedback.update().where(feedback.c.id == row.id).values(values).returning(*feedback.c)
    return Settled(to_correction(connection.execute(query).one()), is_new=False, replaced=str(row.label))


def deleted(connection: Connection, which: ColumnElement[bool]) -> Sequence[str]:
    """Removes rows; returns their ids, whose pictures are to go when that is done."""
    return connection.execute(feedback.delete().where(which).returning(feedback.c.id)).scalars().all()


def expired(connection: Connection, which: ColumnElement[bool], days: float) -> Sequence[str]:
    """The same of those that are past their days, with an entry in the audit log where there are some."""
    gone = deleted(connection, which)
    if gone:
        details = {"kind": "corrections", "count": len(gone), "after_days": days}
        trail.write(connection, What.PICTURES_EXPIRED, None, details)
    return gone


def chosen(
    model: str | None = None, label: str | None = None, giver: str | None = None, *, held: bool | None = None
) -> list[ColumnElement[bool]]:
    """Conditions on the table: those that are not None."""
    wanted = {feedback.c.model: model, feedback.c.label: label, feedback.c.giver: giver}
    which = [column == value for column, value in wanted.items() if value is not None]
    return which if held is None else [*which, feedback.c.held.is_not(None) if held else feedback.c.held.is_(None)]
