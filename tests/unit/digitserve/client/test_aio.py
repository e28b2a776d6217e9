"""AsyncClient on a real connection: the same steps, awaited."""

from pathlib import Path

import pytest

from digitserve import AsyncClient, Busy, Refused, Unreachable
from tests.support.answering import Answer, answering, as_json, as_problem, as_stream
from tests.support.patience import PATIENCE_SECONDS
from tests.unit.digitserve.client.test_sync import DONE, EVENTS, JOB, STEP


def client(url: str, slept: list[float] | None = None) -> AsyncClient:
    async def sleep(seconds: float) -> None:
        if slept is not None:
            slept.append(seconds)

    return AsyncClient(url, key="ds_x", timeout=PATIENCE_SECONDS, sleep=sleep)


async def test_a_key_is_shown_and_a_busy_server_asked_again() -> None:
    later = Answer(503, b'{"detail": "Later.", "code": "loading"}', headers={"retry_after": "2"})
    slept: list[float] = []
    with answering({"GET /v1/models": [later, as_json({"data": []})]}) as (url, asked):
        async with client(url, slept) as http:
            assert await http.models() == ()
    assert [one.headers["authorization"] for one in asked] == ["Bearer ds_x"] * 2 and slept == [2.0]


async def test_errors_come_out_as_they_are() -> None:
    with answering({"GET /v1/models": [as_problem(404, "There is none."), as_problem(429, "Too much.")]}) as (url, _):
        async with client(url) as http:
            with pytest.raises(Refused, match="There is none"):
                await http.models()
            with pytest.raises(Busy, match="Too much"):
                await http.models()
    async with client(url) as http:
        with pytest.raises(Unreachable, match=r"digitserve serve"):
            await http.models()


async def test_a_file_is_sent_as_a_form_again_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(b"label,pixel0\n7,0\n")
    with answering({"POST /v1/files": [as_problem(503, "Later."), as_problem(422, "No.")]}) as (url, asked):
        async with client(url) as http:
            with pytest.raises(Refused):
                await http.upload(path)
    assert [one.body.count(b"label,pixel0\n7,0\n") for one in asked] == [1, 1]


async def test_a_stream_goes_on_where_it_broke() -> None:
    streams = [as_stream(STEP), Answer(hang_up=True), as_stream(STEP, DONE, first=2)]
    with answering({EVENTS: streams}) as (url, asked):
        async with client(url) as http:
            assert [event.number async for event in http.events(JOB)] == ["1", "2", "3"]
    assert [one.headers["last-event-id"] for one in asked] == ["0", "1", "1"]
