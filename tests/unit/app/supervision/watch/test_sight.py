"""All that is looked up when somebody asks, also where a part of it can't be."""

from contextlib import closing
from pathlib import Path

from app.storage.db import Database
from app.supervision.watch.rows import Inventory
from app.supervision.watch.sight import Sight
from app.telemetry.notes import SharedNote


async def test_everything_at_once(tmp_path: Path) -> None:
    note = SharedNote(memoryview(bytearray(1024)))
    note.write(b'[{"version": "digits@7"}]')
    database = Database(f"sqlite:///{tmp_path / 'digitserve.db'}")
    with closing(Sight(database, {"store": tmp_path}, note)) as sight:
        seen = await sight.now()
    assert (seen.rows, list(seen.free_bytes), seen.drift) == (Inventory(), ["store"], [{"version": "digits@7"}])


async def test_a_database_that_does_not_answer_hides_nothing_else(tmp_path: Path) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none", 1.0)
    with closing(Sight(database, {"state": tmp_path})) as sight:
        seen = await sight.now()
    assert (seen.rows, list(seen.free_bytes), seen.drift) == (None, ["state"], [])
