"""Events over connections that break: each once, in order, to the end."""

import httpx
import pytest

from digitserve.client.errors import Unreachable
from digitserve.client.exchange import Exchange
from digitserve.client.following import Following
from digitserve.client.steps import Answer, Ask, HangUp, More, Pause, Reply, Step, Steps
from digitserve.client.stream import JobEvent
from tests.unit.digitserve.client.driving import driven, problem


def line(name: str) -> Reply:
    return Reply(200, {}, b"", name)


def event(number: int, state: str = "") -> bytes:
    data = f'{{"state": "{state}"}}' if state else "null"
    return f'id: {number}\ndata: {{"type": "message", "message": "{number}", "data": {data}}}\n\n'.encode()


END = b'event: end\ndata: {"object": "fine_tuning.job"}\n\n'


def all_of(following: Following) -> Steps[list[JobEvent]]:
    found = []
    while (one := (yield from following.next())) is not None:
        found.append(one)
    return found


def followed(*answers: Answer | Exception, after: str = "0") -> tuple[list[str], list[Step]]:
    following = Following(Exchange("http://here", 3.0), "/events", after)
    events, asked = driven(all_of(following), answers)
    return [one.number for one in events], asked


def places(asked: list[Step]) -> list[str]:
    """From where each connection went on."""
    return [step.headers["Last-Event-ID"] for step in asked if isinstance(step, Ask)]


def test_a_stream_is_heard_to_its_end_and_hung_up() -> None:
    numbers, asked = followed(line("a"), event(1) + event(2), event(3, "succeeded") + END, None)
    assert numbers == ["1", "2", "3"] and asked[-1] == HangUp("a")


def test_an_end_without_a_state_is_an_end_too() -> None:
    assert followed(line("a"), event(1), END, None, after="5")[0] == ["1"]


def test_a_broken_connection_is_opened_again_behind_the_last_event() -> None:
    numbers, asked = followed(
        line("a"), event(1), event(2)[:-5], httpx.ReadError("cut"), None, None,
        line("b"), event(2), b"", None, None,
        problem(503), None, line("c"), event(3, "failed"), None,
    )  # fmt: skip
    assert numbers == ["1", "2", "3"]
    assert places(asked) == ["0", "1", "2", "2"]
    assert [step.line for step in asked if isinstance(step, HangUp)] == ["a", "b", "c"]


def test_it_begins_where_one_wants() -> None:
    numbers, asked = followed(line("a"), event(8, "cancelled"), None, after="7")
    assert (numbers, places(asked)) == (["8"], ["7"])


def test_a_server_that_ends_every_stream_is_given_up_after_a_while() -> None:
    empty: list[Answer | Exception] = [line("a"), b"", None]
    with pytest.raises(Unreachable) as raised:
        followed(*empty, None, *empty, None, *empty)
    assert raised.value.code == "no_stream"


def test_who_wants_no_more_hangs_up_once() -> None:
    following = Following(Exchange("http://here", 3.0), "/events")
    first, _ = driven(following.next(), [line("a"), event(1)])
    assert first is not None and first.number == "1"
    assert driven(following.hang_up(), [None])[1] == [HangUp("a")]
    assert driven(following.hang_up(), [])[1] == []


def test_pauses_grow_until_something_is_heard() -> None:
    _, asked = followed(
        line("a"), b"", None, None, line("b"), b"", None, None, line("c"), event(1), b"", None, None,
        line("d"), event(2, "succeeded"), None,
    )  # fmt: skip
    assert [step.seconds for step in asked if isinstance(step, Pause)] == [0.5, 1.0, 0.5]
    assert any(isinstance(step, More) for step in asked)
