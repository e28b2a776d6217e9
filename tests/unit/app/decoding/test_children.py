"""Children that can't be had, that have too little memory, and that nobody needs any more."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from app.decoding import outcomes, spelling
from app.decoding.children import Children, End, Kind
from app.decoding.decoder import Decoder
from app.decoding.process import DecodingChild
from app.decoding.wire import Frame
from app.errors import NotReady
from models_store.errors import ImageRejected
from models_store.specs import InputSpec
from tests.support.patience import PATIENCE_SECONDS
from tests.support.pictures import encoded, png
from tests.unit.models_store.datasets.test_clean import unit

SPEC = InputSpec()
MiB = 2**20
LARGE = encoded(np.full((3000, 3000, 3), 240, np.uint8), "WEBP", method=0)


def asked(picture: bytes, cpu_seconds: float = 600, spec: InputSpec = SPEC) -> Frame:
    facts = {"work": "read", "cpu_seconds": cpu_seconds, "max_pixels": 16_000_000, "spec": spelling.of_spec(spec)}
    return Frame(facts, picture)


@pytest.fixture
def children(request: pytest.FixtureRequest) -> Iterator[Children]:
    with closing(Children(getattr(request, "param", Kind("test", 5, 256 * MiB, PATIENCE_SECONDS)))) as made:
        yield made


@pytest.mark.parametrize("children", [Kind("test", 0, 150 * MiB, PATIENCE_SECONDS)], indirect=True)
async def test_a_picture_that_takes_too_much_memory_is_refused_alone(children: Children) -> None:
    first, large, last = await children.ask([asked(png(unit(1))), asked(LARGE), asked(png(unit(2)))])
    assert (
        isinstance(first, Frame)
        and isinstance(last, Frame)
        and "warnings" in first.header
        and "warnings" in last.header
    )
    refused = outcomes.found_or_refusal(LARGE, large, lambda frame: frame)
    assert isinstance(refused, ImageRejected) and refused.code == "image_too_complex"


async def test_children_are_nice_and_go_first_when_memory_is_short(children: Children) -> None:
    await children.ask([asked(png(unit(1)))])
    (pid,) = children.pids
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
    assert os.getsid(pid) == os.getsid(0)  # in another session `nice` would not count beside this process
    with open(f"/proc/{pid}/oom_score_adj") as score:
        assert int(score.read()) == 900


@pytest.mark.parametrize("children", [Kind("test", 0, 256 * MiB, PATIENCE_SECONDS, 0.0)], indirect=True)
async def test_one_that_nobody_needs_ends(children: Children) -> None:
    await children.ask([asked(png(unit(1)))])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while children.pids:
            await asyncio.sleep(0.01)
    assert all(isinstance(one, Frame) for one in await children.ask([asked(png(unit(1)))]))


@pytest.mark.parametrize("program", ["/nowhere", "/bin/false"])
async def test_where_none_can_be_had_that_is_said(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Decoder()) as decoder:
        monkeypatch.setattr(sys, "executable", program)
        decoder.warm()
        with pytest.raises(NotReady) as refused:
            await decoder.read([png(unit(1))], SPEC)
        assert refused.value.code == "decoder_missing"
        monkeypatch.undo()
        assert len(await decoder.read([png(unit(1))], SPEC)) == 1  # as soon as there is one again


async def test_what_is_spent_is_told_from_what_broke(children: Children) -> None:
    assert await children.ask([asked(LARGE, 0.01)]) == [End.SPENT]
    assert children._measures.children_ended.cells() == {("test", "spent"): [1]}


async def _killed_while_asked(children: Children) -> None:
    """Kills it before it can answer what it is asked next."""
    (pid,) = children.pids
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)


async def test_a_picture_is_tried_once_more_where_something_else_killed_its_child(children: Children) -> None:
    await children.ask([asked(png(unit(1)))])
    work = asyncio.create_task(children.ask([asked(png(unit(1))), asked(png(unit(2)))]))
    await _killed_while_asked(children)
    assert all(isinstance(one, Frame) for one in await work)


async def test_a_picture_whose_every_child_is_killed_is_given_up(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, times = DecodingChild.send, 0

    async def killing(child: DecodingChild, message: Frame) -> None:
        nonlocal times
        times += 1
        await sent(child, message)
        child.kill()

    with monkeypatch.context() as patched:
        patched.setattr(DecodingChild, "send", killing)
        assert await children.ask([asked(LARGE)]) == [End.KILLED] and times == 2
    assert all(isinstance(one, Frame) for one in await children.ask([asked(png(unit(1)))]))


async def test_one_is_always_there(children: Children) -> None:
    assert await children.ask([asked(LARGE, 0.01)]) == [End.SPENT]
    (pid,) = children.pids  # it begins before anybody needs it
    await children.ask([asked(png(unit(1)))])
    assert children.pids == [pid]
    gone = asyncio.create_task(children.ask([asked(LARGE)]))
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(0.05)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert len(children.pids) == 1 and children.pids != [pid]
    children.close()
    assert children.pids == []


async def test_one_that_is_killed_before_it_began_is_replaced(children: Children) -> None:
    children.warm()
    os.kill(children.pids[0], signal.SIGKILL)
    assert all(isinstance(one, Frame) for one in await children.ask([asked(png(unit(1)))]))


async def test_whoever_hangs_up_while_one_begins_leaves_it_to_the_next(children: Children) -> None:
    children.warm()
    (pid,) = children.pids
    os.kill(pid, signal.SIGSTOP)
    gone = asyncio.create_task(children.ask([asked(png(unit(1)))]))
    await asyncio.sleep(0.05)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    os.kill(pid, signal.SIGCONT)
    assert all(isinstance(one, Frame) for one in await children.ask([asked(png(unit(1)))]))
    assert children.pids == [pid]


async def test_long_answers_keep_no_long_questions_waiting(children: Children, rng: np.random.Generator) -> None:
    """Each end would wait until the other reads."""
    spec = InputSpec(channels=3, height=300, width=300, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")
    noise = png(rng.integers(0, 256, (300, 300), dtype=np.uint8))
    assert all(isinstance(one, Frame) for one in await children.ask([asked(noise, spec=spec)] * 8))


async def test_none_is_left_behind_where_it_closes_while_one_is_asked(children: Children) -> None:
    await children.ask([asked(png(unit(1)))])
    os.kill(children.pids[0], signal.SIGSTOP)
    going = asyncio.create_task(children.ask([asked(png(unit(1))), asked(png(unit(2)))]))
    await asyncio.sleep(0.05)
    children.close()
    going.cancel()
    with pytest.raises((asyncio.CancelledError, NotReady)):
        await going
    assert children.pids == []


async def test_they_are_able_as_soon_as_one_has_begun(children: Children) -> None:
    assert await children.are_able(PATIENCE_SECONDS), "one is started for the question"
    (pid,) = children.pids
    assert await children.are_able(0.0), "and lives"
    assert children.pids == [pid]


async def test_they_are_able_again_after_all_were_killed(children: Children) -> None:
    assert await children.are_able(PATIENCE_SECONDS)
    (pid,) = children.pids
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert await children.are_able(PATIENCE_SECONDS)
    assert pid not in children.pids
    assert len(children.pids) == 1


@pytest.mark.parametrize("program", ["/nowhere", "/bin/false"])
async def test_where_none_can_be_had_they_are_not_able_until_one_can(
    children: Children, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await children.are_able(PATIENCE_SECONDS)
    for pid in children.pids:
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", program)
        assert not await children.are_able(PATIENCE_SECONDS)
        assert not await children.are_able(PATIENCE_SECONDS)
    assert await children.are_able(PATIENCE_SECONDS)


async def test_nobody_waits_for_one_that_takes_long_to_begin(children: Children) -> None:
    children.warm()
    (pid,) = children.pids
    os.kill(pid, signal.SIGSTOP)
    assert not await children.are_able(0.0)
    os.kill(pid, signal.SIGCONT)
    assert await children.are_able(PATIENCE_SECONDS)


async def test_whoever_asks_and_leaves_takes_nothing_from_the_next(children: Children) -> None:
    asking = asyncio.create_task(children.are_able(PATIENCE_SECONDS))
    await asyncio.sleep(0)
    asking.cancel()
    assert await children.are_able(PATIENCE_SECONDS)
    assert len(children.pids) == 1
