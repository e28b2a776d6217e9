"""Looks at the aliases that overlap: promotions, rollbacks and clients that leave while a version loads."""

import asyncio
import threading
from pathlib import Path

import pytest

from app.inference.loaded import LoadedModel
from app.inference.pool import ModelPool
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.patience import PATIENCE_SECONDS, until
from tests.unit.app.inference.test_pool import CHAMPION, Loader, at


@pytest.fixture
def loader() -> Loader:
    return Loader()


async def loading_a_promoted_one(registry: Registry, loader: Loader) -> tuple[ModelPool, asyncio.Task[None]]:
    """A pool that serves version 1, and its look that found version 2 promoted and loads it until `loader.go`."""
    republished(registry)
    pool = ModelPool(registry, loader, max_loaded=4)
    await pool.get(CHAMPION)
    registry.promote("digits", 2, expected=1)
    loader.hold()
    swapping = asyncio.create_task(pool.refresh("digits"))
    await loader.has_begun()
    return pool, swapping


async def test_a_rollback_while_the_new_champion_loads_holds(registry: Registry, loader: Loader) -> None:
    pool, swapping = await loading_a_promoted_one(registry, loader)
    registry.rollback("digits")
    await pool.refresh("digits")
    loader.go.set()
    await swapping
    assert (await pool.get(CHAMPION)).version.number == registry.aliases("digits")["champion"] == 1


async def test_a_refresh_that_is_given_up_takes_no_load_from_others(registry: Registry, loader: Loader) -> None:
    pool, swapping = await loading_a_promoted_one(registry, loader)
    waiting = asyncio.create_task(pool.get(at(2)))
    await asyncio.sleep(0.03)
    swapping.cancel()
    await asyncio.wait([swapping])
    loader.go.set()
    (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(outcome, LoadedModel) and outcome.version.number == 2


class SlowOnce(Registry):
    """A store whose first look at the aliases, once asked for, takes as long as it is held."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.slow = False
        self.has_read, self.go = threading.Event(), threading.Event()

    def aliases(self, name: str) -> dict[str, int]:
        found = super().aliases(name)
        if self.slow:
            self.slow = False
            self.has_read.set()
            assert self.go.wait(PATIENCE_SECONDS)
        return found


async def test_a_slow_look_does_not_undo_what_a_later_one_saw(registry: Registry, loader: Loader) -> None:
    republished(registry)
    store = SlowOnce(registry.root)
    pool = ModelPool(store, loader, max_loaded=4)
    await pool.get(CHAMPION)
    store.slow = True
    slow = asyncio.create_task(pool.refresh("digits"))
    await until(store.has_read.is_set)
    registry.promote("digits", 2, expected=1)
    await pool.refresh("digits")
    store.go.set()
    await slow
    assert (await pool.get(CHAMPION)).version.number == 2
