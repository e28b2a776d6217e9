"""A disk without a free byte is no trap: all that makes room works on it, and moving aliases too; nothing else does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.errors import StorageFull
from app.main import create_app
from app.settings import Settings
from app.storage import upkeep
from app.storage.db import Database
from models_store.registry import Registry
from models_store.shipped_version import open_store
from tests.conftest import EXAMPLES, republished, running
from tests.support.disks import fill, mounted
from tests.support.uploading import FILES, ZIP, digits

MODEL = "/v1/models/digits"


@asynccontextmanager
async def serving(store: Path, state: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Registry]]:
    """The service with four versions, the second being the champion, and with room held back."""
    registry = open_store(store)
    for _ in range(3):
        republished(registry)
    registry.promote("digits", 2, expected=1)
    registry.promote("digits", 4, expected=None, alias="beta")
    settings = Settings(store_dir=store, state_dir=state)
    async with running(create_app(settings)) as http:
        assert (await http.get(FILES)).status_code == 200
        with closing(Database(settings.database)) as database:
            assert database.ballast is not None
            upkeep.look(state, settings.database_file, [registry.ballast, database.ballast])
            assert registry.ballast.bytes() and database.ballast.bytes()
        yield http, registry


async def given(http: httpx.AsyncClient, picture: str = "7") -> tuple[httpx.Response, httpx.Response]:
    """A data set and a correction."""
    corrected = {"file": ("x.png", (EXAMPLES / f"{picture}.png").read_bytes(), "image/png")}
    return await http.post(FILES, content=digits(6), headers=ZIP), await http.post(
        "/v1/feedback", files=corrected, data={"label": "7"}
    )


@pytest.mark.parametrize("disks", [1, 2])
async def test_what_makes_room_works_on_a_full_disk(tmp_path: Path, disks: int) -> None:
    with mounted(tmp_path / "a", "64m") as first, mounted(tmp_path / "b", "48m") as second:
        state = first if disks == 1 else second
        async with serving(first / "store", state / "state") as (http, registry):
            file, correction = (answer.json()["id"] for answer in await given(http))
            asked = await http.post("/v1/fine_tuning/jobs", json={"model": "digits@4", "training_file": file})
            job = asked.json()["id"]
            for disk in (first, second):
                fill(disk)
            for path, code in ((f"{FILES}/{file}", "file_in_use"), (f"{MODEL}@4", "version_in_use")):
                needed = await http.delete(path)
                assert (needed.status_code, needed.json()["code"]) == (409, code) and job in needed.json()["detail"]
            for refused in await given(http, "3"):
                assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
                assert "DELETE /v1/files/{id}" in refused.json()["detail"]
            steps: list[tuple[str, str, dict[str, Any]]] = [
                ("POST", f"/v1/fine_tuning/jobs/{job}/pause", {}),
                ("POST", f"/v1/fine_tuning/jobs/{job}/cancel", {}),
                ("PUT", f"{MODEL}/aliases/champion", {"json": {"version": 3, "expected": 2}}),
                ("POST", f"{MODEL}/rollback", {}),
                ("DELETE", f"{MODEL}/aliases/beta", {"params": {"expected": 4}}),
                ("DELETE", f"{FILES}/{file}", {}),
                ("DELETE", f"/v1/feedback/{correction}", {}),
                ("DELETE", f"{MODEL}@4", {}),
            ]
            for method, path, sent in steps:
                for disk in (first, second):
                    fill(disk)  # others take what was made free
                answer = await http.request(method, path, **sent)
                assert answer.status_code == 200, (method, path, answer.text)
            assert registry.aliases("digits") == {"champion": 2, "previous": 3}
            assert registry.versions("digits") == [1, 2, 3]
            assert (await http.get(FILES)).json()["data"] == []
            assert (await http.get("/v1/feedback/summary")).json()["total"] == 0


def test_a_database_is_opened_and_emptied_on_a_full_disk(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "48m") as disk:
        url = f"sqlite:///{disk / 'x.db'}"
        with closing(Database(url)) as database, database.writing() as connection:
            connection.execute(text("CREATE TABLE rows (number INTEGER, what TEXT)"))
            for number in range(400):
                connection.execute(text("INSERT INTO rows VALUES (:n, :w)"), {"n": number, "w": "x" * 10_000})
            assert database.ballast is not None
            database.ballast.make()
        assert not (disk / "x.db-shm").exists()  # SQLite makes it anew, also to read
        fill(disk)
        with closing(Database(url)) as database:
            with database.reading() as connection:
                assert connection.execute(text("SELECT count(*) FROM rows")).scalar_one() == 400
            fill(disk)
            with pytest.raises(StorageFull), database.writing() as connection:
                connection.execute(text("DELETE FROM rows"))
            gone = database.making_room(lambda connection: connection.execute(text("DELETE FROM rows")).rowcount)
            assert gone == 400
            with pytest.raises(StorageFull):  # where the ballast is not enough, nothing has happened
                database.making_room(lambda connection: connection.execute(text(_MUCH)))
            with database.reading() as connection:
                assert connection.execute(text("SELECT count(*) FROM rows")).scalar_one() == 0


_MUCH = """INSERT INTO rows WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
SELECT i, printf('%.10000c', 'x') FROM n"""


def take_names(disk: Path) -> None:
    with suppress(OSError):
        for number in count():
            (disk / f"{len(list(disk.iterdir()))}-{number}").touch()


async def test_a_disk_without_another_name_is_no_trap_either(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "80m", names=200) as disk:
        async with serving(disk / "store", disk / "state") as (http, registry):
            file, _ = (answer.json()["id"] for answer in await given(http))
            take_names(disk)
            for refused in await given(http, "3"):
                assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
            assert (await http.delete(f"{FILES}/{file}")).status_code == 200
            take_names(disk)
            assert (await http.post(f"{MODEL}/rollback")).status_code == 200
            assert (await http.delete(f"{MODEL}@3")).status_code == 200
            assert registry.aliases("digits")["champion"] == 1
