"""What is sent again and what is not, and what the answers that say no become."""

import httpx
import pytest

from digitserve.client.errors import Busy, DigitServeError, Refused, Unreachable
from digitserve.client.exchange import Exchange
from digitserve.client.steps import Answer, Ask, Pause, Repeat, Reply
from tests.unit.digitserve.client.driving import driven, problem, reply

ASK = Ask("GET", "/x")
ONCE = Ask("POST", "/x", repeat=Repeat.UNSENT)
REFUSED = Ask("POST", "/x", repeat=Repeat.WHERE_REFUSED)
NOBODY, BROKEN, SLOW = httpx.ConnectError("no"), httpx.ReadError("cut"), httpx.ReadTimeout("slow")


def exchange(heard: bool = True, retry_seconds: float = 30.0) -> Exchange:
    made = Exchange("http://here", retry_seconds)
    if heard:
        driven(made.ask(ASK), [reply({})])
    return made


def pauses(ask: Ask, *answers: Answer | Exception, retry_seconds: float = 30.0, heard: bool = True) -> list[float]:
    """Of a request that is answered in the end."""
    steps = exchange(heard, retry_seconds).ask(ask)
    _, asked = driven(steps, answers)
    return [step.seconds for step in asked if isinstance(step, Pause)]


def fails(ask: Ask, *answers: Answer | Exception, retry_seconds: float = 30.0, heard: bool = True) -> DigitServeError:
    with pytest.raises(DigitServeError) as raised:
        driven(exchange(heard, retry_seconds).ask(ask), answers)
    return raised.value


def test_a_good_answer_is_the_answer() -> None:
    assert driven(exchange().document(ASK), [reply({"a": 1})]) == ({"a": 1}, [ASK])


def test_who_is_busy_is_asked_again_when_it_says_so_and_otherwise_ever_later() -> None:
    later = problem(503, retry_after="5")
    assert pauses(ASK, later, None, later, None, reply({})) == [5.0, 5.0]
    assert pauses(ASK, problem(429), None, problem(503), None, BROKEN, None, reply({})) == [0.5, 1.0, 2.0]


def test_no_request_waits_longer_than_it_was_told_to() -> None:
    later = problem(503, "loading", retry_after="5")
    error = fails(ASK, later, None, later, None, later, retry_seconds=12)
    assert isinstance(error, Busy) and (error.code, error.status, error.retry_after) == ("loading", 503, 5.0)
    assert isinstance(fails(ASK, later, retry_seconds=0), Busy)


@pytest.mark.parametrize(
    ("ask", "again"),
    [
        (ASK, {"nobody", "broken", "429", "503"}),
        (REFUSED, {"nobody", "429", "503"}),
        (ONCE, {"nobody", "429"}),
    ],
)
def test_what_may_be_done_already_is_not_done_twice(ask: Ask, again: set[str]) -> None:
    ways: dict[str, Answer | Exception] = {
        "nobody": NOBODY, "broken": BROKEN, "429": problem(429), "503": problem(503), "slow": SLOW,
    }  # fmt: skip
    for name, way in ways.items():
        if name in again:
            assert pauses(ask, way, None, reply({})) == [0.5]
        else:
            assert fails(ask, way)


def test_where_nobody_ever_was_there_is_a_second_look_and_no_third() -> None:
    assert pauses(ASK, NOBODY, None, reply({}), heard=False) == [0.5]
    error = fails(ASK, NOBODY, None, NOBODY, heard=False)
    assert isinstance(error, Unreachable) and (error.code, error.status) == ("no_server", None)
    assert pauses(ASK, NOBODY, None, NOBODY, None, reply({}), heard=True) == [0.5, 1.0]


def test_an_answer_that_takes_too_long_is_not_waited_for_again() -> None:
    error = fails(ASK, SLOW)
    assert isinstance(error, Unreachable) and error.code == "timeout"


def test_a_refusal_has_the_servers_words_and_is_final() -> None:
    error = fails(ASK, problem(422, "image_invalid", x_request_id="req_1"))
    assert isinstance(error, Refused) and str(error) == "Do it otherwise."
    assert (error.code, error.status, error.request_id, error.may_be_done) == ("image_invalid", 422, "req_1", False)


def test_a_refusal_after_a_lost_answer_says_that_it_may_be_done() -> None:
    assert fails(ASK, BROKEN, None, problem(409, "alias_moved")).may_be_done
    assert not fails(ASK, NOBODY, None, problem(409, "alias_moved")).may_be_done


def test_the_servers_own_fault_is_neither_busy_nor_a_refusal() -> None:
    assert type(fails(ASK, problem(500, "internal_error"))) is DigitServeError
    assert type(fails(ASK, problem(507, "storage_full"))) is DigitServeError


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"", b"\xff", b'"x"'])
def test_an_answer_of_somebody_else_says_where_to_look(body: bytes) -> None:
    for status in (200, 404):
        with pytest.raises(DigitServeError, match=r"as DigitServe does not\. Look at base_url") as raised:
            driven(exchange().document(ASK), [Reply(status, {}, body)])
        assert raised.value.status == status
