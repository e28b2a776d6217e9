"""Two hundred promotions under load, of which `make test` tries forty."""

from pathlib import Path

from tests.system.test_supervisor import promotions_under_load


async def test_two_hundred_promotions_under_load_drop_nothing(tmp_path: Path) -> None:
    await promotions_under_load(tmp_path, 200)
