"""Children that can't be had, that have too little memory, and that nobody needs any more."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from app.decoding import outcomes, spelling
from app.decoding.children import Children, End, Kind
from app.decoding.decoder import Decoder
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


def asked(picture: bytes, cpu_seconds: float = 600) -> Frame:
    facts = {"work": "read", "cpu_seconds": cpu_seconds, "max_pixels": 16_000_000, "spec": spelling.of_spec(SPEC)}
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
