"""What a process knows of keys: for how long, who waits for it, and what it does while the database does not answer."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from app.errors import DatabaseUnavailable, StateReadOnly
from app.storage.db import Database
from app.web.access.key_store import USE_SECONDS
from app.web.access.known_keys import FRESH_SECONDS, LAST_SECONDS
from tests.integration.web.access.holding_keys import knowing
from tests.support.patience import until


async def test_within_half_a_second_it_reads_nothing_anew_and_then_once_for_all_who_wait(tmp_path: Path) -> None:
    async with knowing(tmp_path) as (known, store, clock):
        _, row = store.create("scanner", ["predict"])
        first = await known.now()
        assert set(first.keys) == {row.id} and first.ever_made
        clock.at += FRESH_SECONDS
        store.revoke(row.id)
        assert await known.now() is first and store.readings == 1
        clock.at += 0.01
        later = await asyncio.gather(*(known.now() for _ in range(50)))
        assert {id(one) for one in later} == {id(later[0])} and store.readings == 2
        assert later[0].keys == {} and later[0].ever_made


async def test_what_is_fresh_needs_no_turn_of_the_loop(tmp_path: Path) -> None:
    async with knowing(tmp_path) as (known, _, _clock):
        first = await known.now()
        asking = known.now()
        with pytest.raises(StopIteration) as answer:
            asking.send(None)
        assert answer.value.value is first


async def test_before_any_reading_nothing_is_known_and_all_are_refused_at_once(tmp_path: Path) -> None:
    async with knowing(tmp_path) as (known, store, clock):
        store.go_away()
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                await known.now()
        assert store.readings == 1  # while it does not answer, one asks every half second, and nobody waits
        store.refusal = None
        clock.at += FRESH_SECONDS + 0.01
        with pytest.raises(DatabaseUnavailable):
            await known.now()
        await until(lambda: store.readings == 2)
        await until(lambda: known._reading is not None and known._reading.done())
        assert not (await known.now()).ever_made


async def test_while_the_database_is_away_the_last_reading_counts_for_a_quarter_of_an_hour(tmp_path: Path) -> None:
    async with knowing(tmp_path) as (known, store, clock):
        _, row = store.create("scanner", ["predict"])
        first = await known.now()
        store.go_away()
        clock.at += LAST_SECONDS
        assert await known.now() is first
        clock.at += 0.01
        with pytest.raises(DatabaseUnavailable):
            await known.now()
        store.refusal = None
        clock.at += FRESH_SECONDS + 0.01
        with pytest.raises(DatabaseUnavailable):  # nobody waits for a database that was away a moment ago
            await known.now()
        await until(lambda: known._reading is not None and known._reading.done())
        assert set((await known.now()).keys) == {row.id}


async def test_a_reading_that_takes_long_is_waited_for_and_then_no_more(tmp_path: Path) -> None:
    async with knowing(tmp_path) as (known, store, clock):
        _, row = store.create("scanner", ["predict"])
        await known.now()
        store.let.clear()
        store.revoke(row.id)
        clock.at += FRESH_SECONDS + 0.01
        waiting = asyncio.create_task(known.now())
        await until(lambda: store.readings == 2)
        assert not waiting.done()
        store.let.set()
        assert (await waiting).keys == {}


async def test_keys_that_vanish_with_their_database_count_on_and_once_closed_it_stays_closed(tmp_path: Path) -> None:
    async with knowing(tmp_path) as (known, store, clock):
        store.create("scanner", ["predict"])
        first = await known.now()
        store._database.close()
        for file in tmp_path.glob("digitserve.db*"):
            file.unlink()
        clock.at += FRESH_SECONDS + 0.01
        assert await known.now() is first
        clock.at += LAST_SECONDS
        with pytest.raises(StateReadOnly):
            await known.now()
        with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as another, another.reading():
            pass  # it has no keys
        clock.at += FRESH_SECONDS + 0.01
        await until(known.are_known)
        later = await known.now()
        assert later.keys == {} and later.ever_made


async def test_a_key_ends_on_time_while_the_database_is_away(tmp_path: Path) -> None:
    async with knowing(tmp_path) as (known, store, clock):
        _, row = store.create("scanner", ["predict"], days=0.001)
        ends = (await known.now()).keys[row.id].ends
        assert clock.at < ends <= clock.at + 86.4


async def test_a_use_is_kept_aside_and_once_a_minute(tmp_path: Path) -> None:
    async with knowing(tmp_path) as (known, store, clock):
        _, row = store.create("scanner", ["predict"])
        await known.now()
        for _ in range(100):
            known.used(row.id)
        await until(lambda: store.all()[0].last_used_at is not None)
        await until(lambda: known._marking is not None and known._marking.done())
        done = known._marking
        known.used(row.id)
        assert known._marking is done
        clock.at += USE_SECONDS
        known.used(row.id)
        assert known._marking is not done
