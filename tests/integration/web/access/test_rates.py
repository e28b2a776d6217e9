"""Rates at the door, where there are keys: guessing is slowed down, and whoever has a key goes on."""

from collections import Counter
from pathlib import Path
from typing import Any

from app.errors import AppError
from app.web.access.door import Door, Passage
from app.web.access.hosts import Hosts
from app.web.access.keyring import Keyring
from app.web.access.keys import new
from app.web.access.origins import Origins
from app.web.access.proxies import Proxies
from app.web.access.rates import Allowance, RateLimits
from app.web.access.shared_counts import SharedCounts
from tests.integration.web.access.holding_keys import knowing


async def asked(door: Door, key: str, address: str = "192.0.2.7", path: str = "/v1/models") -> str:
    """How a request is met: `in`, or the code."""
    headers = {b"host": b"localhost", b"authorization": b"Bearer " + key.encode()}
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "client": (address, 1), "scheme": "http"}
    scope["headers"], passage = list(headers.items()), Passage()
    try:
        await door.admit(scope, headers, passage)
    except AppError as refusal:
        return refusal.code
    finally:
        passage.leave()
    return "in"


async def test_who_guesses_keys_has_to_wait_and_his_neighbour_has_not(tmp_path: Path) -> None:
    rates = RateLimits(Allowance(requests=3), SharedCounts.alone(), lambda: 10**15)  # its clock stands still
    async with knowing(tmp_path) as (known, store, _):
        door = Door(Proxies(), Hosts(), Origins(), Keyring(known, is_local=False), rates)
        right, _ = store.create("scanner", ["predict"])
        guesses = Counter([await asked(door, new()) for _ in range(20)])
        assert guesses == {"key_invalid": 3, "rate_exceeded": 17}
        assert [await asked(door, right) for _ in range(4)] == ["in"] * 3 + ["rate_exceeded"]
        assert await asked(door, new(), "198.51.100.1") == "key_invalid"  # another address
        assert [await asked(door, new(), path="/readyz") for _ in range(20)] == ["in"] * 20
