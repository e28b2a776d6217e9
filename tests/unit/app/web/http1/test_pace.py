"""A body may rest and walk, and must come to an end."""

import pytest

from app.web.http1.limits import HttpLimits
from app.web.http1.pace import Pace

LIMITS = HttpLimits(body_seconds=20, body_rate=1024, whole_seconds=300, whole_rate=32 * 1024)


def test_it_may_rest_for_as_long_as_it_has_patience() -> None:
    pace = Pace(LIMITS, 100.0)
    assert not pace.is_over(120.0) and pace.is_over(120.1)


def test_bytes_give_patience_back_and_never_more_than_there_was() -> None:
    pace = Pace(LIMITS, 0.0)
    pace.came(10 * 1024, 15.0)  # five seconds are left, and ten come
    assert not pace.is_over(30.0) and pace.is_over(30.1)
    pace.came(10**9, 30.0)
    assert not pace.is_over(50.0) and pace.is_over(50.1)


def test_what_nobody_would_have_read_is_not_missed() -> None:
    pace = Pace(LIMITS, 0.0)
    for second in range(1, 1000):
        pace.rest(float(second), 1.0)
    assert not pace.is_over(1019.0) and pace.is_over(1019.1)


def test_the_whole_has_an_end_that_bytes_move() -> None:
    pace = Pace(LIMITS, 0.0)
    for second in range(1, 301):
        pace.came(1024, float(second))
    assert not pace.is_over(309.0) and pace.is_over(310.0)  # 300 KiB at 32 KiB a second: 9.4 seconds more
    assert pace.rate(300.0) == pytest.approx(1024, rel=0.1)


def test_the_rate_is_that_of_late() -> None:
    burst, walk = Pace(LIMITS, 0.0), Pace(LIMITS, 0.0)
    burst.came(10**7, 0.5)
    assert burst.rate(0.5) == pytest.approx(10**7, rel=0.1)
    for second in range(1, 121):
        burst.came(1024, float(second))
        walk.came(20_000, float(second))
    assert burst.rate(120.0) == pytest.approx(1024, rel=0.2)
    assert walk.rate(120.0) == pytest.approx(20_000, rel=0.1)
