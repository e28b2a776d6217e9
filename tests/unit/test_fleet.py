import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np
import pytest

from app.inference.batcher import Batcher
from app.inference.loaded import Live
from app.inference.pool import Fleet
from models_store.errors import ManifestMismatch, VersionNotFound
from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry, Version
from tests.conftest import republished

CHAMPION = Ref("digits")


def at(number: int) -> Ref:
    return Ref("digits", None, number)


class Doubling:
    """All that a fleet looks at in a model."""

    candidate = "fp32"


class Loader:
    """Makes a version live at no cost, counts that, and can be told to refuse or to take its time."""

    def __init__(self) -> None:
        self.loaded: list[int] = []
        self.refused: set[int] = set()
        self.began, self.go = threading.Event(), threading.Event()
        self.go.set()

    def __call__(self, version: Version) -> Live:
        self.loaded.append(version.number)
        self.began.set()
        assert self.go.wait(10)
        if version.number in self.refused:
            raise ManifestMismatch(f"{version.ref} gives other answers here.")
        batcher = Batcher(lambda rows: rows * version.number, ThreadPoolExecutor(1), inline_rows=100)
        return Live(version, cast(Model, Doubling()), batcher)

    def hold(self) -> None:
        self.began.clear()
        self.go.clear()

    async def has_begun(self) -> None:
        await until(self.began.is_set)


async def until(reached: Callable[[], object]) -> None:
    for _ in range(1000):
        if reached():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("never reached")


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def five(registry: Registry) -> Registry:
    """Versions 1 to 5, 1 being the champion."""
    for _ in range(4):
        republished(registry)
    return registry


async def test_requests_that_come_together_load_once(registry: Registry, loader: Loader) -> None:
    fleet = Fleet(registry, loader, max_live=4)
    refs = [CHAMPION, at(1), Ref("digits", "champion")] * 7
    lives = await asyncio.gather(*(fleet.get(ref) for ref in refs))
    assert len({id(live) for live in lives}) == 1
    assert loader.loaded == [1]
    assert fleet.champion("digits") is fleet.find("digits", 1) is lives[0]


async def test_a_new_champion_loads_beside_the_old_one_and_swaps(registry: Registry, loader: Loader) -> None:
    republished(registry)
    fleet = Fleet(registry, loader, max_live=4)
    old = await fleet.get(CHAMPION)
    registry.promote("digits", 2, expected=1)
    loader.hold()
    swapping = asyncio.create_task(fleet.refresh("digits"))
    await loader.has_begun()
    assert await fleet.get(CHAMPION) is old
    loader.go.set()
    await swapping
    new = await fleet.get(CHAMPION)
    assert (new.version.ref, loader.loaded) == ("digits@2", [1, 2])
    three = np.array([[3]])
    assert [(await live.batcher.submit(three)).rows.item() for live in (old, new)] == [3, 6]


async def test_a_version_that_is_loaded_becomes_champion_without_loading(registry: Registry, loader: Loader) -> None:
    republished(registry)
    fleet = Fleet(registry, loader, max_live=4)
    await fleet.get(CHAMPION)
    spare = await fleet.get(at(2))
    registry.promote("digits", 2, expected=1)
    for _ in range(3):
        await fleet.refresh("digits")
        assert fleet.champion("digits") is spare
    assert loader.loaded == [1, 2]


async def test_the_least_recently_used_version_goes_and_the_champion_stays(five: Registry, loader: Loader) -> None:
    fleet = Fleet(five, loader, max_live=3)
    for number in (1, 2, 3, 2, 4):
        assert (await fleet.get(at(number) if number > 1 else CHAMPION)).version.number == number
    assert [number for number in range(1, 6) if fleet.find("digits", number)] == [1, 2, 4]
    assert (await fleet.get(at(5))).version.number == 5
    assert [number for number in range(1, 6) if fleet.find("digits", number)] == [1, 4, 5]
    assert (await fleet.get(CHAMPION), loader.loaded) == (fleet.find("digits", 1), [1, 2, 3, 4, 5])


@pytest.mark.parametrize("max_live", [1, 2])
async def test_a_swap_keeps_the_new_champion_and_the_limit(five: Registry, loader: Loader, max_live: int) -> None:
    fleet = Fleet(five, loader, max_live)
    await fleet.get(CHAMPION)
    for number in range(2, 6):
        five.promote("digits", number, expected=number - 1)
        await fleet.refresh("digits")
        serving = fleet.champion("digits")
        assert serving is not None and serving.version.number == number
        assert fleet.find("digits", number) is serving is await fleet.get(at(number))
        assert sum(fleet.find("digits", other) is not None for other in range(1, 6)) <= max_live
    assert loader.loaded == [1, 2, 3, 4, 5]


async def test_where_only_the_champion_fits_others_are_still_answered(five: Registry, loader: Loader) -> None:
    fleet = Fleet(five, loader, max_live=1)
    champion = await fleet.get(CHAMPION)
    assert [(await fleet.get(at(number))).version.number for number in (3, 4, 1)] == [3, 4, 1]
    assert fleet.find("digits", 1) is champion


async def test_previous_serves_in_place_of_a_refused_champion(registry: Registry, loader: Loader) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    now = [100.0]
    fleet = Fleet(registry, loader, 4, lambda: now[0])
    loader.refused = {2}
    assert (await fleet.get(CHAMPION)).version.number == 1
    with pytest.raises(ManifestMismatch):
        await fleet.get(at(2))
    assert loader.loaded == [2, 1]
    loader.refused, now[0] = set(), 130.0
    await fleet.refresh("digits")
    assert (await fleet.get(CHAMPION)).version.number == 2


async def test_a_refused_new_champion_is_tried_again_after_half_a_minute(registry: Registry, loader: Loader) -> None:
    republished(registry)
    now = [0.0]
    fleet = Fleet(registry, loader, 4, lambda: now[0])
    old = await fleet.get(CHAMPION)
    registry.promote("digits", 2, expected=1)
    loader.refused = {2}
    for seconds, loaded in [(0.0, [1, 2]), (0.5, [1, 2]), (29.9, [1, 2]), (30.0, [1, 2, 2]), (59.9, [1, 2, 2])]:
        now[0] = seconds
        await fleet.refresh("digits")
        assert (fleet.champion("digits"), loader.loaded) == (old, loaded)
    loader.refused, now[0] = set(), 60.0
    await fleet.refresh("digits")
    assert (await fleet.get(CHAMPION)).version.number == 2


@pytest.mark.parametrize("ref", ["nope", "nope@1", "nope@previous", "digits@9", "digits@previous", "digits@x"])
async def test_what_is_not_in_the_store_is_not_found(registry: Registry, loader: Loader, ref: str) -> None:
    fleet = Fleet(registry, loader, max_live=4)
    for _ in range(2):
        with pytest.raises(VersionNotFound):
            await fleet.get(Ref.parse(ref))
        await fleet.get(CHAMPION)
        await fleet.refresh("digits")
    assert loader.loaded == [1]


@pytest.mark.parametrize("champion_is_live", [True, False])
async def test_an_alias_is_followed(registry: Registry, loader: Loader, champion_is_live: bool) -> None:
    republished(registry)
    fleet = Fleet(registry, loader, max_live=4)
    if champion_is_live:
        await fleet.get(CHAMPION)
    registry.promote("digits", 2, expected=None, alias="trial")
    await fleet.refresh("digits")
    assert (await fleet.get(Ref("digits", "trial"))).version.number == 2
    registry.promote("digits", 1, expected=2, alias="trial")
    if champion_is_live:  # otherwise nothing looks at this model's aliases twice a second
        await fleet.refresh("digits")
    assert (await fleet.get(Ref("digits", "trial"))).version.number == 1
