"""What keeps the disk as it should be while a process runs: closed to other users, free of what was deleted, and with
room held back."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.storage import journal, private
from models_store.store.ballast import Ballast

_EVERY_SECONDS = 60.0


def look(state_dir: Path, database: Path | None, ballasts: Sequence[Ballast]) -> None:
    """Closes what an earlier release left open, empties the database's journal, in which deleted rows still are, and
    holds room back again where there is some. Raises nothing."""
    private.tighten(state_dir, database)
    if database is not None:
        journal.empty(database)
    for ballast in ballasts:
        ballast.make()


def begin(
    state_dir: Path,
    database: Path | None,
    ballasts: Sequence[Ballast],
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Looks now and every minute, in a thread that ends with the process: folders may be made later, and a full disk
    may be emptied."""

    def keep() -> None:
        while True:
            look(state_dir, database, ballasts)
            wait(_EVERY_SECONDS)

    threading.Thread(target=keep, name="upkeep", daemon=True).start()
