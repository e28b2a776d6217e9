"""Keys in a database of SQLite, for tests that hold the clock and the database in their hands."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.errors import AppError
from app.storage import refusals
from app.storage.db import Database
from app.web.access.key_store import KeysFound, KeyStore
from app.web.access.known_keys import KnownKeys
from tests.support.patience import PATIENCE_SECONDS


class HeldKeys(KeyStore):
    """Counts readings; refuses them while it has a `refusal`, and makes them wait while `let` is not set."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.readings = 0
        self.refusal: AppError | None = None
        self.let = threading.Event()
        self.let.set()

    def found(self) -> KeysFound:
        self.readings += 1
        assert self.let.wait(PATIENCE_SECONDS)
        if self.refusal is not None:
            raise self.refusal
        return super().found()

    def go_away(self) -> None:
        """From now on the database does not answer."""
        self.refusal = refusals.unavailable()


class HandClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@asynccontextmanager
async def knowing(folder: Path) -> AsyncIterator[tuple[KnownKeys, HeldKeys, HandClock]]:
    """What a process knows of the keys in a folder, closed at the end."""
    store, clock = HeldKeys(Database(f"sqlite:///{folder / 'digitserve.db'}")), HandClock()
    known = KnownKeys(store, clock)
    try:
        yield known, store, clock
    finally:
        store.let.set()
        known.close()
