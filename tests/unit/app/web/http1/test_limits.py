"""Connections are looked at often enough for the shortest of their times."""

from app.web.http1.limits import HttpLimits


def test_looks_are_rare_and_frequent_enough() -> None:
    assert HttpLimits().look_seconds == 1.0
    assert HttpLimits(head_seconds=0.2).look_seconds == 0.05
