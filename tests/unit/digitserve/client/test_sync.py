"""Client on a real connection: what it sends, how it waits, what it lets go of."""

import threading
from pathlib import Path

import pytest

from digitserve import Busy, Client, JobEvent, Refused, Unreachable
from tests.support.answering import Answer, answering, as_json, as_problem, as_stream
from tests.support.patience import PATIENCE_SECONDS

JOB = "ftjob-" + "0b" * 12
EVENTS = f"GET /v1/fine_tuning/jobs/{JOB}/events"
STEP = {"type": "message", "message": "a step"}
DONE = {"type": "message", "message": "done", "data": {"state": "succeeded"}}


def client(url: str, slept: list[float] | None = None, retry_seconds: float = 30.0) -> Client:
    waits = slept if slept is not None else []
    return Client(url, key="ds_x", timeout=PATIENCE_SECONDS, retry_seconds=retry_seconds, sleep=waits.append)


def test_a_key_is_shown_and_a_busy_server_asked_again() -> None:
    later = Answer(503, b'{"detail": "Later.", "code": "loading"}', headers={"retry_after": "2"})
    slept: list[float] = []
    with answering({"GET /v1/models": [later, as_json({"data": []})]}) as (url, asked), client(url, slept) as http:
        assert http.models() == ()
    assert [one.headers["authorization"] for one in asked] == ["Bearer ds_x"] * 2 and slept == [2.0]


def test_errors_come_out_as_they_are() -> None:
    refused = as_problem(404, "There is none.")
    with answering({"GET /v1/models": [refused, as_problem(429, "Too much.")]}) as (url, _), client(url) as http:
        with pytest.raises(Refused, match="There is none"):
            http.models()
        with pytest.raises(Busy, match="Too much"):
            http.models()
    with pytest.raises(Unreachable, match=r"digitserve serve"):
        client(url).models()


def test_a_file_is_sent_as_a_form_again_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(b"label,pixel0\n7,0\n")
    with (
        answering({"POST /v1/files": [as_problem(503, "Later."), as_problem(422, "No.")]}) as (url, asked),
        client(url) as http,
        pytest.raises(Refused),
    ):
        http.upload(path)
    assert [one.body.count(b"label,pixel0\n7,0\n") for one in asked] == [1, 1]
    assert b'filename="mine.csv"' in asked[0].body and b"fine-tune" in asked[0].body


def test_a_stream_goes_on_where_it_broke() -> None:
    streams = [as_stream(STEP), Answer(hang_up=True), as_stream(STEP, DONE, first=2)]
    with answering({EVENTS: streams}) as (url, asked), client(url) as http:
        assert [event.number for event in http.events(JOB)] == ["1", "2", "3"]
    assert [one.headers["last-event-id"] for one in asked] == ["0", "1", "1"]
    assert asked[0].headers["accept"] == "text/event-stream"


def test_events_come_while_the_stream_is_open_and_who_leaves_hangs_up() -> None:
    left = threading.Event()

    def stay() -> None:
        left.wait(PATIENCE_SECONDS)

    with answering({EVENTS: [as_stream(STEP, before_end=stay)]}) as (url, _), client(url) as http:
        events = http.events(JOB)
        first: JobEvent = next(events)
        assert first.message == "a step"
        events.close()  # type: ignore[attr-defined]
        left.set()
