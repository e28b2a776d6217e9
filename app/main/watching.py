"""What an operator looks at, wired: /metrics and /v1/stats, and what they look up when somebody asks."""

from collections.abc import Iterator, Sequence

from fastapi import APIRouter

from app.settings import Settings
from app.storage.db import Database
from app.supervision import metrics
from app.supervision.watch import stats
from app.supervision.watch.families import families
from app.supervision.watch.sight import DATABASE_SECONDS, Sight
from app.telemetry.board import Board
from app.telemetry.instruments import Family
from app.telemetry.notes import SharedNote
from app.telemetry.overview import Overview


def sight_of(settings: Settings, board: Board) -> Sight:
    """Its database is its own: who waits for a connection of the others keeps nobody from looking."""
    places = {"store": settings.store_dir, "state": settings.state_dir}
    return Sight(Database(settings.database, DATABASE_SECONDS), places, SharedNote(board.notes))


def watching(overview: Overview, sight: Sight) -> Iterator[APIRouter]:
    """The routes."""

    async def found() -> Sequence[Family]:
        return list(families(await sight.now()))

    yield metrics.router(overview, [found])
    yield stats.router(overview, sight.now)
