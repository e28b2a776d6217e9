"""The decoder and its children: what is heavy is killed and costs its picture only, and nothing is left behind."""

import asyncio
import gc
import os
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from app.decoding import decoder as decoders
from app.decoding.decoder import Decoder
from app.errors import NotReady, PayloadTooLarge, TooBusy, Unprocessable
from models_store.errors import DataSetRejected, ImageRejected
from models_store.pictures.decode import open_picture
from models_store.pictures.many.page import page_of
from models_store.pictures.prepare import Prepared, prepare
from models_store.pictures.stripped import strip
from tests.support.children import DRAWING, DRAWN, LARGE, MEDIUM, SIDE, SPEC, code, is_there, runs
from tests.support.decoding import DECODER
from tests.support.patience import until
from tests.support.pictures import encoded, png
from tests.support.uploading import packed
from tests.unit.models_store.datasets.test_clean import unit
from tests.unit.models_store.pictures.test_contained import BROKEN

_BUDGET_SECONDS = 0.12  # of the processor


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    """Gives a picture a third of what a large one takes: three times as much as the first drawing of a child."""
    with closing(Decoder(cpu_seconds=_BUDGET_SECONDS)) as made:
        yield made


async def test_a_child_sees_what_this_process_would_see() -> None:
    pictures = [DRAWING, png(unit(1)), b"rubbish", MEDIUM, encoded(DRAWN, "JPEG"), LARGE]
    found = await DECODER.read(pictures, SPEC)
    assert [code(one) for one in found] == ["", "", "image_invalid", "", "", ""]
    for one, picture in zip(found, pictures, strict=True):
        if isinstance(one, Prepared):
            here = prepare(picture, SPEC)
            assert np.array_equal(one.pixels, here.pixels) and one.warnings == here.warnings
    page, whole = await DECODER.page(DRAWING, SPEC), page_of(open_picture(DRAWING, 10**6), SPEC)
    assert np.array_equal(page.pixels, whole.pixels) and page.candidates == whole.candidates
    assert await DECODER.keep(DRAWING, SPEC) == (strip(DRAWING), False)
    assert await DECODER.keep(png(np.zeros((9, 9), np.uint8)), SPEC) == (strip(png(np.zeros((9, 9), np.uint8))), True)
    for way in (DECODER.page(b"rubbish", SPEC), DECODER.keep(b"rubbish", SPEC)):
        with pytest.raises(ImageRejected) as refused:
            await way
        assert refused.value.code == "image_invalid"


async def test_a_picture_over_its_cpu_budget_is_killed_and_the_others_are_answered(decoder: Decoder) -> None:
    found = await decoder.read([DRAWING, LARGE, DRAWING, LARGE], SPEC)
    assert [code(one) for one in found] == ["", "image_too_complex", "", "image_too_complex"]
    for way in (decoder.page(LARGE, SPEC), decoder.keep(LARGE, SPEC)):
        with pytest.raises(ImageRejected) as refused:
            await way
        assert refused.value.code == "image_too_complex"


async def test_a_child_that_dies_costs_its_picture_only(caplog: pytest.LogCaptureFixture) -> None:
    with closing(Decoder()) as decoder:
        await decoder.read([LARGE], SPEC)
        (pid,) = decoder.pids
        os.kill(pid, signal.SIGSTOP)  # in the middle of its work, however quick it is
        work = asyncio.create_task(decoder.read([LARGE, DRAWING], SPEC))
        await asyncio.sleep(0.05)
        for number in (signal.SIGSEGV, signal.SIGCONT):
            os.kill(pid, number)
        assert [code(one) for one in await work] == ["picture_unreadable", ""]
        assert "picture_unreadable sha256=" in caplog.text
        for pid in decoder.pids:  # between two pictures: nobody notices
            os.kill(pid, signal.SIGKILL)
        await until(lambda: not any(map(runs, decoder.pids)))
        assert [code(one) for one in await decoder.read([DRAWING], SPEC)] == [""]


async def test_what_nobody_foresaw_of_a_picture_is_logged_here(caplog: pytest.LogCaptureFixture) -> None:
    found = await DECODER.read([png(unit(1)), DRAWING], BROKEN)  # a spec that no record may have
    assert [code(one) for one in found] == ["picture_unreadable"] * 2
    assert caplog.text.count("picture_unreadable sha256=") == 2 and "Traceback" in caplog.text
    assert [code(one) for one in await DECODER.read([DRAWING], SPEC)] == [""]


async def test_a_stopped_child_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "_WALL_SECONDS", 5.0)
    with closing(Decoder()) as decoder:
        await decoder.read([DRAWING], SPEC)
        os.kill(decoder.pids[0], signal.SIGSTOP)
        assert [code(one) for one in await decoder.read([DRAWING] * 2, SPEC)] == ["image_too_complex", ""]


@pytest.mark.parametrize(("heavier", "lighter"), [(LARGE, [DRAWING, MEDIUM]), (MEDIUM, [DRAWING])])
async def test_what_takes_less_time_waits_for_nothing_heavier(heavier: bytes, lighter: list[bytes]) -> None:
    with closing(Decoder(cpu_seconds=600)) as decoder:
        await decoder.read([heavier], SPEC)
        os.kill(decoder.pids[0], signal.SIGSTOP)
        waits = asyncio.create_task(decoder.read([heavier], SPEC))
        assert [code(one) for one in await decoder.read(lighter, SPEC)] == [""] * len(lighter)
        assert not waits.done()
        waits.cancel()
        with suppress(asyncio.CancelledError):
            await waits


async def test_no_picture_waits_for_one_that_is_packed_anew() -> None:
    with closing(Decoder(cpu_seconds=600)) as decoder:
        await decoder.keep(MEDIUM, SPEC)
        os.kill(decoder.pids[0], signal.SIGSTOP)
        kept = asyncio.create_task(decoder.keep(MEDIUM, SPEC))
        assert [code(one) for one in await decoder.read([MEDIUM], SPEC)] == [""]
        assert not kept.done()
        kept.cancel()
        with suppress(asyncio.CancelledError):
            await kept


async def test_what_waited_too_long_is_refused_before_it_is_decoded() -> None:
    now = [100.0]
    with closing(Decoder(clock=lambda: now[0])) as decoder:
        assert [code(one) for one in await decoder.read([DRAWING], SPEC, deadline=100.0)] == [""]
        now[0] = 100.5
        with pytest.raises(NotReady) as late:
            await decoder.read([DRAWING], SPEC, deadline=100.0)
        assert late.value.code == "too_late"


async def test_one_client_can_not_fill_the_line_of_another() -> None:
    with closing(Decoder()) as decoder:
        crowd = [asyncio.create_task(decoder.read([LARGE], SPEC, "crowd")) for _ in range(70)]
        await asyncio.sleep(0)
        one = asyncio.create_task(decoder.read([LARGE], SPEC, "one"))
        assert [code(found) for found in await one] == [""]
        refused = [work for work in crowd if work.done() and work.exception()]
        assert all(isinstance(work.exception(), TooBusy) for work in refused) and len(refused) == 70 - 65
        assert sum(not work.done() for work in crowd) >= 60  # it had not to wait for them
        for work in crowd:
            work.cancel()


async def test_all_headers_of_a_batch_are_looked_at_before_the_first_pixel() -> None:
    with closing(Decoder(SIDE * SIDE)) as decoder:
        with pytest.raises(Unprocessable) as refused:
            await decoder.read([DRAWING, *[LARGE] * 5], SPEC)
        assert refused.value.code == "batch_too_large" and decoder.pids == []
        assert len(await decoder.read([DRAWING] * 40, SPEC)) == 40
    with closing(Decoder(100)) as decoder:  # each too large by itself
        assert [code(one) for one in await decoder.read([LARGE] * 9, SPEC)] == ["image_too_large"] * 9


async def test_a_data_set_is_read_as_here_and_its_large_pictures_too(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(packed({"7/a.png": DRAWING, "1/b.png": png(unit(1)), "1/c.webp": LARGE, "1/d.png": b"x"}))
    report = await DECODER.data_set(path, SPEC)
    assert (report.rows, report.kept, dict(report.refused)) == (4, 2, {"image_blank": 1, "image_invalid": 1})
    with closing(Decoder(data_set_pixels=SIDE * SIDE)) as decoder:
        with pytest.raises(PayloadTooLarge) as over:
            await decoder.data_set(path, SPEC)
        assert over.value.code == "data_set_too_large"
    with closing(Decoder(cpu_seconds=_BUDGET_SECONDS)) as decoder:
        report = await decoder.data_set(path, SPEC)  # the large one costs its row
        assert dict(report.refused) == {"image_too_complex": 1, "image_invalid": 1}
    path.write_bytes(b"no data set")
    with pytest.raises(DataSetRejected) as refused:
        await DECODER.data_set(path, SPEC)
    assert refused.value.code == "data_unknown_type"


async def test_a_data_set_that_nobody_waits_for_is_left(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"label,file\n7,a\n")
    with closing(Decoder()) as decoder:
        await decoder.data_set(path, SPEC)
        (pid,) = decoder.pids
        os.kill(pid, signal.SIGSTOP)  # it would never end
        work = asyncio.create_task(decoder.data_set(path, SPEC))
        await asyncio.sleep(0.05)
        work.cancel()
        await until(lambda: work.done() and not is_there(pid))
        assert decoder.pids == []


async def test_nothing_is_left_when_it_closes() -> None:
    decoder = Decoder()
    decoder.warm()
    await decoder.read([DRAWING, LARGE], SPEC)
    pids = decoder.pids
    assert len(pids) == 2
    decoder.close()
    decoder.close()
    gc.collect()
    assert not any(map(is_there, pids))
