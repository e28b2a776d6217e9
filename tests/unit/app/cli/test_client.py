"""What the command line sends, how often it tries, and what it makes of a stream."""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.cli.client import Client
from app.cli.refusal import Refusal
from tests.support.answering import Answer, answering, as_json, as_problem, as_stream

STATE = {"type": "state", "level": "info", "message": "The job runs.", "data": {"state": "running"}}
END = {"type": "state", "level": "info", "message": "accepted", "data": {"state": "succeeded"}}
EVENTS = "GET /v1/fine_tuning/jobs/ftjob-1/events"
JOBS = "POST /v1/fine_tuning/jobs"


class Slept(list[float]):
    """A clock that does not tick: what was asked of it."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """The URL of a socket whose queue is full: the kernel leaves whoever knocks there without an answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as waiting:
        for _ in range(4):
            knocking = waiting.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_stream_that_ends_too_early_is_taken_up_where_it_broke() -> None:
    slept = Slept()
    broken = [as_stream(STATE), Answer(hang_up=True), as_problem(503, "Later."), as_stream(END, first=2)]
    with answering({EVENTS: broken}) as (url, asked), Client(url, slept) as client:
        told = [(event.number, event.state) for event in client.events("ftjob-1")]
    assert told == [("1", "running"), ("2", "succeeded")]
    assert [request.headers["last-event-id"] for request in asked] == ["0", "1", "1", "1"]
    assert all(request.headers["accept"] == "text/event-stream" for request in asked)
    assert len(slept) == 3


def test_a_server_that_is_gone_is_asked_for_half_a_minute() -> None:
    slept = Slept()
    with (
        answering({EVENTS: [Answer(hang_up=True)]}) as (url, _),
        Client(url, slept) as client,
        pytest.raises(Refusal, match="The job is kept"),
    ):
        list(client.events("ftjob-1"))
    assert 25 < sum(slept) < 60


@pytest.mark.parametrize("ask", [lambda client: client.jobs(1), lambda client: list(client.events("ftjob-1"))])
def test_a_server_that_was_never_there_is_looked_for_twice(ask: Callable[[Client], object]) -> None:
    slept = Slept()
    with answering({}) as (url, _):
        pass  # it is gone
    with Client(url, slept) as client, pytest.raises(Refusal, match=r"does not answer\. Start the server"):
        ask(client)
    assert slept == [0.5]


def test_a_machine_that_keeps_silent_is_looked_for_once() -> None:
    slept = Slept()
    with (
        silent() as url,
        Client(url, slept, connect_seconds=0.02) as client,
        pytest.raises(Refusal, match=r"does not answer\. Start the server"),
    ):
        client.jobs(1)
    assert slept == []


def test_a_server_that_was_heard_before_may_take_its_time_to_come_back() -> None:
    slept = Slept()
    with answering({"GET /v1/fine_tuning/jobs": [as_json({"data": []})]}) as (url, _):
        client = Client(url, slept)
        assert client.jobs(1) == {"data": []}
    with client, pytest.raises(Refusal, match=r"does not answer\."):
        client.jobs(1)
    assert sum(slept) > 5


def test_one_who_waits_long_is_not_left_by_connections_that_break_now_and_then() -> None:
    # a heartbeat, and a connection that ends though more was promised
    lives = Answer(200, b": ping\n\n", "text/event-stream", {"content-length": "99"})
    answers = [lives, Answer(hang_up=True)] * 12 + [as_stream(END)]
    with answering({EVENTS: answers}) as (url, asked), Client(url, Slept()) as client:
        assert [event.state for event in client.events("ftjob-1")] == ["succeeded"]
    assert len(asked) == 25


@pytest.mark.parametrize("first", [Answer(hang_up=True), as_problem(503, "The database does not answer.")])
def test_one_key_goes_with_every_try_to_make_a_job(first: Answer) -> None:
    slept = Slept()
    with answering({JOBS: [first, as_json({"id": "ftjob-1"}, 201)]}) as (url, asked), Client(url, slept) as client:
        assert client.create({"model": "digits"}, "k1")["id"] == "ftjob-1"
    assert [request.headers["idempotency-key"] for request in asked] == ["k1", "k1"]
    assert [json.loads(request.body) for request in asked] == [{"model": "digits"}] * 2
    assert len(slept) == 1


def test_the_server_says_how_long_to_wait() -> None:
    slept = Slept()
    busy = Answer(503, b'{"detail": "Later."}', headers={"retry-after": "5"})
    with (
        answering({JOBS: [busy]}) as (url, asked),
        Client(url, slept) as client,
        pytest.raises(Refusal, match=r"^Later\.$"),
    ):
        client.create({}, "k")
    assert len(asked) == 5 and min(slept) == 5 and max(slept) == 10


def test_who_has_asked_too_much_waits_as_long_as_he_is_told() -> None:
    slept, too_much = Slept(), as_json({"detail": "Send the next one in 2 s."}, 429, retry_after="2")
    answers = {JOBS: [too_much, as_json({"id": "ftjob-1"}, 201)], EVENTS: [too_much, as_stream(END)]}
    with answering(answers) as (url, asked), Client(url, slept) as client:
        assert client.create({}, "k")["id"] == "ftjob-1"
        assert [event.state for event in client.events("ftjob-1")] == ["succeeded"]
    assert len(asked) == 4 and slept[0] == 2


def test_what_a_server_says_steers_no_terminal() -> None:
    evil = as_json({"detail": "Look \x1b]0;here\x07\x1b[31m.\r\n" + "a" * 10_000}, 401)
    with answering({JOBS: [evil]}) as (url, _), Client(url, Slept()) as client, pytest.raises(Refusal) as refusal:
        client.create({}, "k")
    assert str(refusal.value).isprintable() and len(str(refusal.value)) < 3000


@pytest.mark.parametrize("retry_after", ["3600", "1", ""])
def test_who_would_wait_too_long_is_told_the_sentence(retry_after: str) -> None:
    too_much = as_json({"detail": "Send the next one later."}, 429, retry_after=retry_after)
    with answering({JOBS: [too_much], EVENTS: [too_much]}) as (url, asked), Client(url, Slept()) as client:
        for ask in (lambda: client.create({}, "k"), lambda: next(client.events("ftjob-1"))):
            with pytest.raises(Refusal, match=r"^Send the next one later\.$"):
                ask()
    assert len(asked) == (13 if retry_after == "1" else 2)  # 5 tries, and 8 of a stream


def test_a_file_whose_answer_was_lost_is_not_sent_twice(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    with (
        answering({"POST /v1/files": [Answer(hang_up=True)]}) as (url, asked),
        Client(url, Slept()) as client,
        pytest.raises(Refusal),
    ):
        client.upload(tmp_path / "a.zip", "a.zip")
    assert len(asked) == 1


@pytest.mark.parametrize(("status", "code"), [(400, 2), (404, 2), (409, 1), (413, 2), (422, 2), (429, 1), (500, 1)])
def test_of_a_problem_the_sentence_is_told(status: int, code: int) -> None:
    with (
        answering({JOBS: [as_problem(status, "Say it otherwise.")]}) as (url, _),
        Client(url) as client,
        pytest.raises(Refusal, match=r"^Say it otherwise\.$") as refused,
    ):
        client.create({}, "k")
    assert refused.value.exit_code == code


@pytest.mark.parametrize("answer", [Answer(200, b"<html>"), Answer(200, b"[]"), Answer(404, b"no"), Answer(302)])
def test_another_server_than_ours_is_told_apart(answer: Answer) -> None:
    with (
        answering({JOBS: [answer]}) as (url, _),
        Client(url) as client,
        pytest.raises(Refusal, match="as DigitServe does not"),
    ):
        client.create({}, "k")


def test_an_id_of_any_characters_stays_one_part_of_the_path() -> None:
    with answering({}) as (url, asked), Client(url) as client, pytest.raises(Refusal):
        client.job("../../models?x#y")
    assert asked[0].path == "/v1/fine_tuning/jobs/..%2F..%2Fmodels%3Fx%23y"
