"""Hostile bytes on real connections to the whole service; `make fuzz` sends ten thousand."""

import random
from pathlib import Path

from tests.fuzz.bodies import honest, hostile
from tests.fuzz.wire import check, check_honest, descriptors, resident_bytes, served

MIB = 2**20


async def test_honest_requests_of_every_kind_are_answered(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        for request in honest():
            await check_honest(server, request)


async def test_no_bytes_break_the_service_or_stay_in_it(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with served(tmp_path) as server:
        await check(server, [hostile(chance) for _ in range(100)])
        memory, files = resident_bytes(), descriptors()
        await check(server, [hostile(chance) for _ in range(200)])
        assert descriptors() <= files
        assert resident_bytes() < memory + 64 * MIB
