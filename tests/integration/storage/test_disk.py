"""A disk that is full, before an upload and in the middle of one: 507, nothing left, and with space it works."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.storage.db import Database
from tests.support.disks import free, mounted
from tests.support.uploading import FILES, ZIP, Service, digits, serving
from tests.system.training.test_disk import Disk, disk

__all__ = ["disk"]  # the fixture
DATA = digits(3)


async def pieces(padding: int) -> AsyncIterator[bytes]:
    """A body of which nobody says how long it is."""
    for _ in range(padding // 65_536):
        yield bytes(65_536)
    yield DATA


async def refused(service: Service, padding: int) -> None:
    answer = await service.http.post(FILES, content=pieces(padding), headers=ZIP)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full"), answer.text
    assert answer.json()["detail"].endswith(".")
    assert service.left() == [] and (await service.http.get(FILES)).json()["data"] == []


@pytest.mark.parametrize("room", [0, 100_000, 500_000])
async def test_the_disk_gets_full_in_the_middle(disk: Disk, tmp_path: Path, room: int) -> None:
    database = Database(f"sqlite:///{tmp_path / 'digitserve.db'}")
    async with serving(disk.folder, database) as service:
        await service.http.get(FILES)
        with disk.full(room):
            await refused(service, 2**20)
        answer = await service.http.post(FILES, content=DATA, headers=ZIP)
        assert answer.status_code == 200 and answer.json()["report"]["kept"] == 3
    database.close()


async def test_the_disk_of_the_database_is_full(disk: Disk, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{disk.folder / 'digitserve.db'}")
    async with serving(tmp_path, database) as service:
        await service.http.get(FILES)
        if not disk.mounted:
            pytest.skip("no disk of its own can be mounted here, and files that may not grow stop the uploads too")
        with disk.full(0):
            await refused(service, 0)
        assert (await service.http.post(FILES, content=DATA, headers=ZIP)).status_code == 200
    database.close()


async def test_an_upload_that_says_its_length_is_refused_before_it_comes(tmp_path: Path) -> None:
    async with serving(tmp_path, spare_bytes=2**60) as service:

        async def nothing_is_read() -> AsyncIterator[bytes]:
            pytest.fail("the body was read")
            yield b""

        headers = ZIP | {"content-length": "5000"}
        answer = await service.http.post(FILES, content=nothing_is_read(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert service.left() == []


async def test_a_body_of_which_nobody_says_how_long_it_is_stops_before_the_reserve(tmp_path: Path) -> None:
    """The database lies on the same disk, and needs what is left."""
    with mounted(tmp_path / "disk", "24m") as folder:
        async with serving(folder, spare_bytes=16 * 2**20) as service:
            await service.http.get(FILES)
            least = free(folder)

            async def watched() -> AsyncIterator[bytes]:
                nonlocal least
                async for piece in pieces(12 * 2**20):
                    least = min(least, free(folder))
                    yield piece

            answer = await service.http.post(FILES, content=watched(), headers=ZIP)
            assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
            assert 16 * 2**20 <= least < 20 * 2**20 and service.left() == []
            assert (await service.http.post(FILES, content=DATA, headers=ZIP)).status_code == 200
