"""The rows of challengers in shadow, one statement a step. Time is the database's."""

import secrets
from typing import Any

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.shadow.mcnemar import Labels
from app.shadow.record import Pair, Phase, Shadow
from app.shadow.tables import shadows
from app.storage import owner
from app.storage.db import now

MOST_ROWS = 1000  # that have ended: beyond, the oldest are forgotten
_RIGHT = {"champion": shadows.c.champion_right, "challenger": shadows.c.challenger_right, "": shadows.c.neither_right}


def one_at_a_time(connection: Connection) -> None:
    """Whoever moves a challenger waits here for all others. SQLite knows no other way."""
    connection.execute(select(owner.identity).with_for_update())


def active(connection: Connection, model: str) -> Shadow | None:
    """The comparison that goes on."""
    return _found(connection.execute(select(shadows).where(shadows.c.model == model, shadows.c.ended_at.is_(None))))


def newest(connection: Connection, model: str) -> Shadow | None:
    """The one that goes on, or the last one that ended."""
    goes_on, begun, first = shadows.c.ended_at.is_(None).desc(), shadows.c.created_at.desc(), shadows.c.id
    return _found(
        connection.execute(select(shadows).where(shadows.c.model == model).order_by(goes_on, begun, first).limit(1))
    )


def models(connection: Connection) -> list[str]:
    """Those of which a comparison goes on."""
    return list(connection.execute(select(shadows.c.model).where(shadows.c.ended_at.is_(None))).scalars())


def going_on(connection: Connection) -> list[Shadow]:
    """All comparisons that do, by their models' names."""
    query = select(shadows).where(shadows.c.ended_at.is_(None)).order_by(shadows.c.model)
    return [_to_shadow(row) for row in connection.execute(query)]


def begin(connection: Connection, pair: Pair, phase: Phase = Phase.COLLECTING, why: str | None = None) -> None:
    """Writes down that two versions are compared, unless somebody was quicker."""
    values = {
        "id": f"shadow-{secrets.token_hex(12)}", "model": pair.model, "champion": pair.champion,
        "challenger": pair.challenger, "state": phase, "created_at": now(), "why": why,
    }  # fmt: skip
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    connection.execute(insert(shadows).values(values).on_conflict_do_nothing())


def end(connection: Connection, shadow: Shadow, phase: Phase, why: str) -> None:
    """Writes down how it ended."""
    ours = shadows.c.id == shadow.id, shadows.c.ended_at.is_(None)
    connection.execute(shadows.update().where(*ours).values(state=phase, why=why, ended_at=now()))


def count(connection: Connection, pair: Pair, compared: int, differed: int) -> None:
    """Adds to what was compared, where these two still are."""
    ours = shadows.c.model == pair.model, shadows.c.champion == pair.champion, shadows.c.challenger == pair.challenger
    more = {"compared": shadows.c.compared + compared, "differed": shadows.c.differed + differed}
    connection.execute(shadows.update().where(*ours, shadows.c.ended_at.is_(None)).values(more))


def tally(connection: Connection, shadow: Shadow, right: str) -> None:
    """Counts one label: `right` is `champion`, `challenger` or, for neither, empty."""
    column = _RIGHT[right]
    connection.execute(shadows.update().where(shadows.c.id == shadow.id).values({column: column + 1}))


def forget_surplus(connection: Connection) -> None:
    """Deletes rows that ended first, where there are too many."""
    over = select(shadows.c.id).where(shadows.c.ended_at.is_not(None)).order_by(shadows.c.ended_at.desc())
    connection.execute(delete(shadows).where(shadows.c.id.in_(over.offset(MOST_ROWS))))


def _found(rows: Any) -> Shadow | None:
    row = rows.one_or_none()
    return None if row is None else _to_shadow(row)


def _to_shadow(row: Row[Any]) -> Shadow:
    return Shadow(
        id=row.id,
        pair=Pair(row.model, row.champion, row.challenger),
        phase=Phase(row.state),
        created_at=row.created_at,
        ended_at=row.ended_at,
        compared=row.compared,
        differed=row.differed,
        labels=Labels(row.champion_right, row.challenger_right, row.neither_right),
        why=row.why,
    )
