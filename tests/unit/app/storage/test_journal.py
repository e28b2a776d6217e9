"""SQLite's journal is cut to nothing, and nothing is made or waited for."""

import sqlite3
from pathlib import Path

from app.storage import journal


def test_what_was_written_is_in_the_database_and_the_journal_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "a b?c.db"
    writer = sqlite3.connect(file)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE t (x)")
    writer.execute("INSERT INTO t VALUES ('planted')")
    writer.commit()
    beside = file.with_name(f"{file.name}-wal")
    assert b"planted" in beside.read_bytes()
    assert journal.empty(file)
    assert beside.stat().st_size == 0 and b"planted" in file.read_bytes()
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (1,)
    writer.execute("INSERT INTO t VALUES ('more')")
    writer.commit()
    assert not journal.empty(file)  # somebody reads what was before
    reader.close()
    assert journal.empty(file)
    writer.close()


def test_where_there_is_none_none_is_made(tmp_path: Path) -> None:
    assert journal.empty(tmp_path / "none.db") and list(tmp_path.iterdir()) == []
    (tmp_path / "x.db").write_bytes(b"no database")
    (tmp_path / "x.db-wal").write_bytes(b"no journal")
    assert not journal.empty(tmp_path / "x.db")
