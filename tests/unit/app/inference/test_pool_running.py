"""A pool that comes up and follows the aliases by itself, on an event loop whose time leaps."""

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from app.errors import NotReady
from app.inference.pool import REFRESH_SECONDS, ModelPool
from app.telemetry.measures import Measures
from models_store.errors import ManifestMismatch, StoreError
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.leaping import LeapingLoop, leaping
from tests.support.patience import until
from tests.unit.app.inference.test_pool import CHAMPION, Loader, at


def test_it_follows_the_champion_by_itself(registry: Registry) -> None:
    async def test(loop: LeapingLoop) -> None:
        pool = ModelPool(registry, loader, max_loaded=4)
        async with pool.running("digits"):
            began = loop.time()
            registry.promote("digits", 2, expected=1)
            await loop.leap(REFRESH_SECONDS / 2)
            assert loader.loaded == [1] or loop.time() >= began + REFRESH_SECONDS  # a busy machine takes its time too
            await loop.leap(REFRESH_SECONDS / 2)
            await until(lambda: pool.champion("digits") is pool.find("digits", 2))
        assert loader.loaded == [1, 2]

    loader = Loader()
    republished(registry)
    leaping(test)


def test_it_goes_on_following_after_the_store_was_unreadable(registry: Registry) -> None:
    async def test(loop: LeapingLoop) -> None:
        pool = ModelPool(registry, Loader(), max_loaded=4)
        async with pool.running("digits"):
            for damage in (b"", b'{"champion": "x"}', b"\xff"):
                aliases.write_bytes(damage)
                await loop.leap(REFRESH_SECONDS)
                assert (await pool.get(CHAMPION)).version.number == 1
            aliases.unlink()
            aliases.mkdir()  # no file at all: reading it raises OSError
            await loop.leap(REFRESH_SECONDS)
            aliases.rmdir()
            aliases.write_bytes(b'{"champion": 2}')
            await loop.leap(REFRESH_SECONDS)
            await until(lambda: pool.champion("digits") is pool.find("digits", 2))

    republished(registry)
    aliases = registry.root / "digits" / "aliases.json"
    leaping(test)


def test_why_aliases_cannot_be_followed_is_said_once(registry: Registry) -> None:
    async def test(loop: LeapingLoop) -> None:
        pool = ModelPool(registry, Loader(), max_loaded=4)
        async with pool.running("digits"):
            aliases.write_bytes(b"?")
            for _ in range(6):
                await loop.leap(REFRESH_SECONDS)

    aliases = registry.root / "digits" / "aliases.json"
    with capture_logs() as logs:
        leaping(test)
    assert [line["event"] for line in logs].count("refresh_failed") == 1


def test_it_follows_no_more_after_its_end(registry: Registry) -> None:
    async def test(loop: LeapingLoop) -> None:
        pool = ModelPool(registry, loader, max_loaded=4)
        async with pool.running("digits"):
            pass
        registry.promote("digits", 2, expected=1)
        await loop.leap(10 * REFRESH_SECONDS)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    loader = Loader()
    republished(registry)
    leaping(test)
    assert loader.loaded == [1]


async def test_it_comes_up_where_nothing_can_serve(registry: Registry) -> None:
    now, loader = [0.0], Loader()
    loader.refused = {1}
    for name in ("digits", "nope"):
        pool = ModelPool(registry, loader, 4, lambda: now[0])
        async with pool.running(name):
            assert pool.champion(name) is None
            with pytest.raises(StoreError):
                await pool.get(Ref(name))
            loader.refused, now[0] = set(), 30.0
            assert name == "nope" or (await pool.get(CHAMPION)).version.number == 1


def test_a_default_model_that_is_restored_serves_though_nobody_asks(registry: Registry) -> None:
    """A balancer sends no request to a process that is not ready, so no request can be what makes it ready."""

    async def test(loop: LeapingLoop) -> None:
        pool = ModelPool(registry, loader, 4, loop.time)
        async with pool.running("digits"):
            began, loader.refused = loop.time(), set()
            await loop.leap(29)
            assert pool.champion("digits") is None or loop.time() >= began + 30  # a busy machine takes its time too
            await loop.leap(2)
            await until(lambda: pool.champion("digits"))

    loader = Loader()
    loader.refused = {1}
    leaping(test)


def test_it_comes_up_where_loading_takes_longer_than_a_request_waits(registry: Registry) -> None:
    async def test(loop: LeapingLoop) -> None:
        pool = ModelPool(registry, loader, max_loaded=4)
        async with contextlib.AsyncExitStack() as stack:
            coming_up = asyncio.create_task(stack.enter_async_context(pool.running("digits")))
            await loader.has_begun()
            await loop.leap(6)
            loader.go.set()
            await coming_up
            await until(lambda: pool.champion("digits"))
        assert loader.loaded == [1]

    loader = Loader()
    loader.hold()
    try:
        leaping(test)
    finally:
        loader.go.set()


def test_a_request_for_a_version_that_loads_slowly_is_told_to_come_back(registry: Registry) -> None:
    async def test(loop: LeapingLoop) -> None:
        pool = ModelPool(registry, loader, max_loaded=4)
        asking = asyncio.create_task(pool.get(at(1)))
        await loader.has_begun()
        await loop.leap(6)
        with pytest.raises(NotReady, match=r"digits@1 is being loaded\. Repeat"):
            await asking
        loader.go.set()
        assert (await pool.get(at(1))).version.number == 1
        assert loader.loaded == [1]

    loader = Loader()
    loader.hold()
    try:
        leaping(test)
    finally:
        loader.go.set()


async def test_what_is_loaded_can_be_looked_at_and_what_was_refused_is_counted(
    registry: Registry,
) -> None:
    measures, loader = Measures(), Loader()
    republished(registry)
    loader.refused = {2}
    pool = ModelPool(registry, loader, max_loaded=4, measures=measures)
    async with pool.running("digits"):
        for _ in range(2):
            with pytest.raises(ManifestMismatch):
                await pool.get(at(2))
        assert [loaded.version.ref for loaded in pool.loaded] == ["digits@1"]
    assert measures.versions_refused.cells() == {("digits@2", "version_unusable"): [1]}
