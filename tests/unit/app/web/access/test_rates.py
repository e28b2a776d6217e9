"""Rates of visitors, on a clock that the tests set. What is expected is counted by hand."""

import contextlib
import re
from collections.abc import Mapping

import pytest
from starlette.types import Message

from app.errors import RateExceeded
from app.web.access.rates import Allowance, RateLimits
from app.web.access.shared_counts import SharedCounts
from app.web.access.visitor import Visitor

ONE, OTHER = Visitor("10.0.0.1"), Visitor("key:a1", key="a1")
CHUNKED = {b"transfer-encoding": b"chunked"}


class Clock:
    """A clock that stands still unless it is moved; a machine that has been up for years."""

    def __init__(self) -> None:
        self.now = 1e8  # seconds

    def __call__(self) -> int:
        return int(self.now * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits(clock: Clock, requests: float = 0, at_once: int = 0, count: int = 0) -> RateLimits:
    return RateLimits(Allowance(requests, at_once, count), SharedCounts.alone(), clock)


def body(length: int) -> Mapping[bytes, bytes]:
    return {b"content-length": b"%d" % length}


def said(rates: RateLimits, headers: Mapping[bytes, bytes] = {}, visitor: Visitor = ONE) -> dict[bytes, bytes]:
    """The headers that a request gets which is let in."""
    answer: list[tuple[bytes, bytes]] = []
    rates.enter(visitor, headers, answer, "/v1/predict")
    return dict(answer)


def refused(rates: RateLimits, headers: Mapping[bytes, bytes] = {}, visitor: Visitor = ONE) -> tuple[str, int, bytes]:
    """The code, the seconds and the RateLimit of one that is not."""
    answer: list[tuple[bytes, bytes]] = []
    with pytest.raises(RateExceeded) as error:
        rates.enter(visitor, headers, answer, "/v1/predict")
    assert [name for name, _ in answer] == [b"ratelimit-policy", b"ratelimit"]
    return error.value.code, error.value.retry_seconds, dict(answer)[b"ratelimit"]


def let_in(rates: RateLimits, most: int = 1000) -> int:
    """How many requests are, before the first is not."""
    for count in range(most):
        try:
            said(rates)
        except RateExceeded:
            return count
    return most


def test_without_rates_nothing_is_counted_and_nothing_said(clock: Clock) -> None:
    for rates in (RateLimits(), limits(clock)):
        assert all(said(rates, body(10**9)) == {} for _ in range(100))


@pytest.mark.parametrize(
    ("rate", "at_first", "after_ten_seconds"),
    [(10, 10, 10), (2.5, 2, 2), (1, 1, 1), (0.2, 1, 1), (0.05, 1, 0), (1000, 1000, 1000)],
)
def test_a_seconds_worth_may_come_at_once_and_one_request_at_least(
    clock: Clock, rate: float, at_first: int, after_ten_seconds: int
) -> None:
    rates = limits(clock, rate)
    assert let_in(rates, 2000) == at_first
    clock.now += 10
    assert let_in(rates, 2000) == after_ten_seconds


@pytest.mark.parametrize("rate", [0.2, 1, 3, 7.5, 250])
def test_who_never_stops_gets_his_rate_and_a_seconds_worth(clock: Clock, rate: float) -> None:
    rates, seconds, steps = limits(clock, rate), 20, 4000
    came = 0
    for _ in range(steps):
        clock.now += seconds / steps
        came += let_in(rates, 2000)
    assert came == pytest.approx(rate * seconds + max(1, rate), abs=2.01)


@pytest.mark.parametrize("rates", [Allowance(1e300, 10**30, 10**30), Allowance(1e-300, 1, 1), Allowance(5e-324)])
async def test_no_rate_is_too_large_or_too_small_to_be_counted_and_said(clock: Clock, rates: Allowance) -> None:
    limited = RateLimits(rates, SharedCounts.alone(), clock)

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(10**7), "more_body": True}

    for _ in range(3):
        with contextlib.suppress(RateExceeded):
            answer = said(limited, CHUNKED)
            assert max(map(len, re.findall(rb"[0-9]+", b" ".join(answer.values())))) <= 15
        counted = limited.counted(ONE, CHUNKED, receive)
        for _ in range(1000):
            await counted()


def test_who_waits_as_long_as_he_is_told_is_let_in(clock: Clock) -> None:
    for rate in (0.2, 0.3, 1, 7):
        rates = limits(clock, rate)
        let_in(rates)
        code, seconds, left = refused(rates)
        assert (code, left) == ("rate_exceeded", b'"requests";r=0;t=%d' % seconds)
        clock.now += seconds
        said(rates)


def test_one_visitor_does_not_use_up_anothers_rate(clock: Clock) -> None:
    rates = limits(clock, 1, 1, 100)
    said(rates, body(100))
    refused(rates)
    said(rates, body(100), OTHER)


def test_what_remains_is_said_as_the_draft_has_it(clock: Clock) -> None:
    rates = limits(clock, 10, 4, 5000)
    assert said(rates, body(1000)) == {
        b"ratelimit-policy": b'"at-once";q=4;qu="concurrent-requests", "requests";q=10;w=1, '
        b'"bytes";q=5000;qu="content-bytes";w=1',
        b"ratelimit": b'"at-once";r=3, "requests";r=9;t=1, "bytes";r=4000;t=1',
    }
    assert said(rates)[b"ratelimit"] == b'"at-once";r=2, "requests";r=8;t=1, "bytes";r=4000;t=1'


@pytest.mark.parametrize(
    ("rate", "policy", "left"),
    [
        (0.2, b'"requests";q=1;w=5', b'"requests";r=0;t=5'),
        (0.3, b'"requests";q=1;w=4', b'"requests";r=0;t=4'),
        (2.5, b'"requests";q=2;w=1', b'"requests";r=1;t=1'),
    ],
)
def test_a_rate_that_is_no_whole_number_is_said_in_whole_ones(
    clock: Clock, rate: float, policy: bytes, left: bytes
) -> None:
    assert said(limits(clock, rate)) == {b"ratelimit-policy": policy, b"ratelimit": left}


def test_so_many_are_answered_at_once_and_each_place_is_given_back(clock: Clock) -> None:
    rates = limits(clock, at_once=2)
    leave = [rates.enter(ONE, {}, [], "/") for _ in range(2)]
    assert refused(rates) == ("too_many_at_once", 1, b'"at-once";r=0')
    leave.pop()()
    leave.append(rates.enter(ONE, {}, [], "/"))
    refused(rates)
    for one in leave:
        one()
    assert said(rates)[b"ratelimit"] == b'"at-once";r=1'


def test_a_request_that_is_refused_counts_nowhere(clock: Clock) -> None:
    rates = limits(clock, 3, 3, 100)
    said(rates, body(500))  # and the debt of bytes lets no other body in
    counts = rates._counts
    for _ in range(10):
        with pytest.raises(RateExceeded):
            rates.enter(ONE, body(1), [], "/")
    assert counts.at_once(counts.place(ONE.client)) == 1
    assert said(rates)[b"ratelimit"] == b'"at-once";r=1, "requests";r=1;t=1, "bytes";r=0;t=1'


def test_a_body_beyond_a_seconds_worth_is_a_debt(clock: Clock) -> None:
    rates = limits(clock, count=1000)
    assert said(rates, body(700))[b"ratelimit"] == b'"bytes";r=300;t=1'
    assert said(rates, body(900))[b"ratelimit"] == b'"bytes";r=0;t=1'  # 1,600 in this second
    assert refused(rates, body(1)) == ("too_many_bytes", 1, b'"bytes";r=0;t=1')
    said(rates)  # what has no body is let in
    said(rates, body(0))
    clock.now += 0.7
    said(rates, body(1))


async def test_a_body_larger_than_a_seconds_worth_is_owed_as_it_comes(clock: Clock) -> None:
    rates, pieces = limits(clock, count=1000), [600, 600, 8800]

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(pieces.pop(0)), "more_body": bool(pieces)}

    said(rates, body(10_000))
    assert refused(rates, body(1))[1] == 1  # for what has not come nobody waits longer
    counted = rates.counted(ONE, body(10_000), receive)
    for owed in (1, 1.2, 10):
        await counted()
        assert rates._counts.bytes[rates._counts.place(ONE.client)] - clock() == pytest.approx(owed * 1e9, abs=100)
    assert refused(rates, body(1))[1] == 10
    clock.now += 10
    said(rates, body(1))


async def test_a_body_that_does_not_say_its_length_is_owed_as_it_comes(clock: Clock) -> None:
    rates = limits(clock, count=1000)

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(2500), "more_body": False}

    said(rates, CHUNKED)
    await rates.counted(ONE, CHUNKED, receive)()
    assert refused(rates, CHUNKED) == ("too_many_bytes", 2, b'"bytes";r=0;t=2')
    assert rates.counted(ONE, body(1000), receive) is receive  # was counted at the door


@pytest.mark.parametrize("length", [b"99999999999999999999999", b"-1", b"1e9", b"", b"\xb2", b"9999999999999999999"])
def test_a_length_that_is_none_or_is_never_sent_keeps_nobody_out_for_long(clock: Clock, length: bytes) -> None:
    rates = limits(clock, count=1000)
    said(rates, {b"content-length": length})
    clock.now += 1
    said(rates, body(1))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/ui/main.js"])
def test_who_watches_the_service_and_what_pages_are_made_of_are_never_refused(clock: Clock, path: str) -> None:
    rates, answer = limits(clock, 1, 1, 1), list[tuple[bytes, bytes]]()
    for _ in range(100):
        rates.enter(ONE, body(10), answer, path)
    assert answer == []
    said(rates)


def test_wrong_keys_are_limited_by_address_and_right_ones_behind_it_are_not(clock: Clock) -> None:
    rates, answer = limits(clock, 2, 1), list[tuple[bytes, bytes]]()
    for _ in range(2):
        rates.failed(ONE.client, answer, "/")
    with pytest.raises(RateExceeded):
        rates.failed(ONE.client, answer, "/")
    said(rates, visitor=OTHER)
    assert (b"ratelimit", b'"at-once";r=0, "requests";r=1;t=1') in answer


@pytest.mark.parametrize("rates", [Allowance(3), Allowance(at_once=3), Allowance(bytes=300)])
def test_each_sentence_says_the_rate_and_what_to_do(clock: Clock, rates: Allowance) -> None:
    limited = RateLimits(rates, SharedCounts.alone(), clock)
    with pytest.raises(RateExceeded, match=r"3.*(in 1 s|Wait for one of them)\.$"):
        for _ in range(5):
            limited.enter(ONE, body(100), [], "/")
