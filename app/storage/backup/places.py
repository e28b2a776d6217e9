"""Where a service keeps what it has."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL


@dataclass(frozen=True)
class Places:
    """Two folders and a database, which belong together."""

    store: Path
    state: Path
    database: URL
    database_file: Path | None  # SQLite's
