"""What is looked up only when somebody asks: the database, the disks, and what the server knows of drift."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from app.storage.db import Database
from app.supervision.watch import drifting
from app.supervision.watch.disks import free_bytes
from app.supervision.watch.glance import Glance
from app.supervision.watch.rows import Inventory, RowCounts
from app.telemetry.notes import SharedNote

DATABASE_SECONDS = 1.0  # that the database may take to let somebody in, or to answer


@dataclass(frozen=True)
class Sighting:
    """What is so now. Without rows the database does not answer."""

    rows: Inventory | None
    free_bytes: Mapping[str, int]  # by the places that could be asked
    drift: list[Mapping[str, Any]]  # app.telemetry.drift.report.described


class Sight:
    """One of a process. Lives on one event loop."""

    def __init__(self, database: Database, places: Mapping[str, Path], note: SharedNote | None = None) -> None:
        """The database is its own: it waits `DATABASE_SECONDS` at most. `note` is where the server's drift stands."""
        self._database = database
        self._note = note
        self._rows = Glance(RowCounts(database).look, "watch-rows")
        self._disks = Glance(partial(free_bytes, places), "watch-disks")

    async def now(self) -> Sighting:
        """Two seconds old at most, and there within two."""
        found, disks = await asyncio.gather(self._rows.now(), self._disks.now())
        return Sighting(found, disks or {}, drifting.known(self._note) if self._note else [])

    def close(self) -> None:
        """Lets go of the database."""
        self._rows.close()
        self._disks.close()
        self._database.close()
