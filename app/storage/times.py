"""Rows from the future: what was written before the clock was set back. They would be the newest, and never old, until
the clock is there again.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import Column, func, select

from app.storage.db import Database, now

_MARGIN_SECONDS = 5.0
_STEP = 1e-5  # of a second, for each second between two rows: which was first stays so

_log = structlog.get_logger("digitserve.storage")


def put_right(database: Database, columns: Sequence[Column[float]]) -> int:
    """Dates to now what these columns date later, in the order in which it happened; returns how many dates there were.

    Raises one of NOTHING_LASTS.
    """
    with database.reading() as connection:
        latest = [connection.execute(select(func.max(column))).scalar() for column in columns]
        at = connection.execute(select(now())).scalar_one()
    top = max((date for date in latest if date is not None), default=at)
    if top <= at + _MARGIN_SECONDS:
        return 0
    with database.writing() as connection:
        count = 0
        for column in columns:
            later = column.table.update().where(column > at + _MARGIN_SECONDS)
            count += connection.execute(later.values({column: at - _STEP * (top - column)})).rowcount
    _log.warning("clock_was_set_back", seconds=round(top - at), dates=count)
    return count
