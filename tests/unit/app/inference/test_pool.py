import asyncio
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np
import pytest

from app.inference.batcher import Batcher
from app.inference.loaded import LoadedModel
from app.inference.pool import ModelPool
from models_store.errors import ManifestMismatch, VersionNotFound
from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry, Version
from tests.conftest import republished
from tests.support.patience import PATIENCE_SECONDS, until

CHAMPION = Ref("digits")


def at(number: int) -> Ref:
    return Ref("digits", None, number)


class Doubling:
    """All that a pool looks at in a model."""

    candidate = "fp32"


class Loader:
    """Makes a version live at no cost, counts that, and can be told to refuse or to take its time."""

    def __init__(self) -> None:
        self.loaded: list[int] = []
        self.refused: set[int] = set()
        self.began, self.go = threading.Event(), threading.Event()
        self.go.set()

    def __call__(self, version: Version) -> LoadedModel:
        self.loaded.append(version.number)
        self.began.set()
        assert self.go.wait(PATIENCE_SECONDS)
        if version.number in self.refused:
            raise ManifestMismatch(f"{version.ref} gives other answers here.")
        batcher = Batcher(lambda rows: rows * version.number, ThreadPoolExecutor(1), inline_rows=100)
        return LoadedModel(version, cast(Model, Doubling()), batcher)

    def hold(self) -> None:
        self.began.clear()
        self.go.clear()

    async def has_begun(self) -> None:
        await until(self.began.is_set)


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
    pool = ModelPool(registry, loader, max_loaded=4)
    refs = [CHAMPION, at(1), Ref("digits", "champion")] * 7
    several = await asyncio.gather(*(pool.get(ref) for ref in refs))
    assert len({id(loaded) for loaded in several}) == 1
    assert loader.loaded == [1]
    assert pool.champion("digits") is pool.find("digits", 1) is several[0]


async def test_a_new_champion_loads_beside_the_old_one_and_swaps(registry: Registry, loader: Loader) -> None:
    republished(registry)
    pool = ModelPool(registry, loader, max_loaded=4)
    old = await pool.get(CHAMPION)
    registry.promote("digits", 2, expected=1)
    loader.hold()
    swapping = asyncio.create_task(pool.refresh("digits"))
    await loader.has_begun()
    assert await pool.get(CHAMPION) is old
    loader.go.set()
    await swapping
    new = await pool.get(CHAMPION)
    assert (new.version.ref, loader.loaded) == ("digits@2", [1, 2])
    three = np.array([[3]])
    assert [(await loaded.batcher.submit(three)).rows.item() for loaded in (old, new)] == [3, 6]


async def test_a_version_that_is_loaded_becomes_champion_without_loading(registry: Registry, loader: Loader) -> None:
    republished(registry)
    pool = ModelPool(registry, loader, max_loaded=4)
    await pool.get(CHAMPION)
    spare = await pool.get(at(2))
    registry.promote("digits", 2, expected=1)
    for _ in range(3):
        await pool.refresh("digits")
        assert pool.champion("digits") is spare
    assert loader.loaded == [1, 2]


async def test_the_least_recently_used_version_goes_and_the_champion_stays(five: Registry, loader: Loader) -> None:
    pool = ModelPool(five, loader, max_loaded=3)
    for number in (1, 2, 3, 2, 4):
        assert (await pool.get(at(number) if number > 1 else CHAMPION)).version.number == number
    assert [number for number in range(1, 6) if pool.find("digits", number)] == [1, 2, 4]
    assert (await pool.get(at(5))).version.number == 5
    assert [number for number in range(1, 6) if pool.find("digits", number)] == [1, 4, 5]
    assert (await pool.get(CHAMPION), loader.loaded) == (pool.find("digits", 1), [1, 2, 3, 4, 5])


@pytest.mark.parametrize("max_loaded", [1, 2])
async def test_a_swap_keeps_the_new_champion_and_the_limit(five: Registry, loader: Loader, max_loaded: int) -> None:
    pool = ModelPool(five, loader, max_loaded)
    await pool.get(CHAMPION)
    for number in range(2, 6):
        five.promote("digits", number, expected=number - 1)
        await pool.refresh("digits")
        serving = pool.champion("digits")
        assert serving is not None and serving.version.number == number
        assert pool.find("digits", number) is serving is await pool.get(at(number))
        assert sum(pool.find("digits", other) is not None for other in range(1, 6)) <= max_loaded
    assert loader.loaded == [1, 2, 3, 4, 5]


async def test_where_only_the_champion_fits_others_are_still_answered(five: Registry, loader: Loader) -> None:
    pool = ModelPool(five, loader, max_loaded=1)
    champion = await pool.get(CHAMPION)
    assert [(await pool.get(at(number))).version.number for number in (3, 4, 1)] == [3, 4, 1]
    assert pool.find("digits", 1) is champion


async def test_previous_serves_in_place_of_a_refused_champion(registry: Registry, loader: Loader) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    now = [100.0]
    pool = ModelPool(registry, loader, 4, lambda: now[0])
    loader.refused = {2}
    assert (await pool.get(CHAMPION)).version.number == 1
    with pytest.raises(ManifestMismatch):
        await pool.get(at(2))
    assert loader.loaded == [2, 1]
    loader.refused, now[0] = set(), 130.0
    await pool.refresh("digits")
    assert (await pool.get(CHAMPION)).version.number == 2


async def test_a_refused_new_champion_is_tried_again_after_half_a_minute(registry: Registry, loader: Loader) -> None:
    republished(registry)
    now = [0.0]
    pool = ModelPool(registry, loader, 4, lambda: now[0])
    old = await pool.get(CHAMPION)
    registry.promote("digits", 2, expected=1)
    loader.refused = {2}
    for seconds, loaded in [(0.0, [1, 2]), (0.5, [1, 2]), (29.9, [1, 2]), (30.0, [1, 2, 2]), (59.9, [1, 2, 2])]:
        now[0] = seconds
        await pool.refresh("digits")
        assert (pool.champion("digits"), loader.loaded) == (old, loaded)
    loader.refused, now[0] = set(), 60.0
    await pool.refresh("digits")
    assert (await pool.get(CHAMPION)).version.number == 2


@pytest.mark.parametrize("ref", ["nope", "nope@1", "nope@previous", "digits@9", "digits@previous", "digits@x"])
async def test_what_is_not_in_the_store_is_not_found(registry: Registry, loader: Loader, ref: str) -> None:
    pool = ModelPool(registry, loader, max_loaded=4)
    for _ in range(2):
        with pytest.raises(VersionNotFound):
            await pool.get(Ref.parse(ref))
        await pool.get(CHAMPION)
        await pool.refresh("digits")
    assert loader.loaded == [1]


@pytest.mark.parametrize("champion_is_live", [True, False])
async def test_an_alias_is_followed(registry: Registry, loader: Loader, champion_is_live: bool) -> None:
    republished(registry)
    pool = ModelPool(registry, loader, max_loaded=4)
    if champion_is_live:
        await pool.get(CHAMPION)
    registry.promote("digits", 2, expected=None, alias="trial")
    await pool.refresh("digits")
    assert (await pool.get(Ref("digits", "trial"))).version.number == 2
    registry.promote("digits", 1, expected=2, alias="trial")
    if champion_is_live:  # otherwise nothing looks at this model's aliases twice a second
        await pool.refresh("digits")
    assert (await pool.get(Ref("digits", "trial"))).version.number == 1


async def test_a_challenger_keeps_its_place_while_it_is_one(five: Registry, loader: Loader) -> None:
    pool = ModelPool(five, loader, max_loaded=3)
    champion = await pool.get(CHAMPION)
    five.promote("digits", 2, expected=None, alias="challenger")
    await pool.refresh("digits")
    assert pool.challenger(champion) == 2
    held = await pool.hold("digits", 2)
    for number in (3, 4, 5):
        await pool.get(at(number))
    assert pool.find("digits", 2) is held is await pool.hold("digits", 2) and loader.loaded == [1, 2, 3, 4, 5]
    five.unalias("digits", "challenger", expected=2)
    await pool.refresh("digits")
    for number in (3, 4):
        await pool.get(at(number))
    assert pool.find("digits", 2) is None and pool.challenger(champion) is None


async def test_a_champion_of_another_model_takes_the_place_of_a_challenger(five: Registry, loader: Loader) -> None:
    pool = ModelPool(five, loader, max_loaded=2)
    await pool.get(CHAMPION)
    five.promote("digits", 2, expected=None, alias="challenger")
    await pool.refresh("digits")
    assert await pool.hold("digits", 2) is not None
    shutil.copytree(five.root / "digits", five.root / "letters")
    await pool.get(Ref("letters"))
    assert await pool.hold("digits", 2) is None
    assert pool.find("digits", 2) is None
    assert [pool.champion(name) is not None for name in ("digits", "letters")] == [True, True]


async def test_only_the_champion_that_answers_has_a_challenger(five: Registry, loader: Loader) -> None:
    pool = ModelPool(five, loader, max_loaded=4)
    champion, other = await pool.get(CHAMPION), await pool.get(at(3))
    assert pool.challenger(champion) is None
    five.promote("digits", 1, expected=None, alias="challenger")  # itself
    await pool.refresh("digits")
    assert pool.challenger(champion) is None
    five.promote("digits", 3, expected=1, alias="challenger")
    await pool.refresh("digits")
    assert (pool.challenger(champion), pool.challenger(other)) == (3, None)
