"""Which growth is one, and which is not."""

import random

from tests.soak.watch import Life, creeping

_MB = 10**6


def life(*memory: int, role: str = "api", open_files: int = 40) -> Life:
    return Life(role, [float(look) for look in range(len(memory))], list(memory), [open_files] * len(memory))


def test_a_line_through_the_looks_after_the_first_minute() -> None:
    one = life(*[0] * 60, *(100 * _MB + 1000 * look for look in range(301)))
    trend = one.trend(one.memory)
    assert (round(trend.begins), round(trend.each_minute), trend.minutes) == (100 * _MB, 60_000, 5.0)


def test_what_loads_and_then_stays_is_flat_however_it_trembles() -> None:
    chance = random.Random(1)
    memory = [*range(0, 300 * _MB, 5 * _MB), *(300 * _MB + chance.randrange(40 * _MB) for _ in range(300))]
    assert list(creeping([life(*memory)])) == []


def test_a_leak_is_seen_in_a_process_that_lives_long_enough() -> None:
    leaking = [300 * _MB + 300_000 * look for look in range(400)]
    (line,) = creeping([life(*leaking)])
    assert "rose by" in line and "bytes of memory" in line
    assert list(creeping([life(*leaking[:170])])) == []
    assert list(creeping([life(*leaking, role="training")])) == []


def test_descriptors_that_are_never_closed_are_seen() -> None:
    leaking = life(*[100 * _MB] * 400, role="worker")
    leaking.open_files = [20 + look // 5 for look in range(400)]
    (line,) = creeping([leaking])
    assert "descriptors" in line


def test_a_leap_is_seen_at_any_age() -> None:
    (line,) = creeping([life(*[100 * _MB] * 70, 800 * _MB)])
    assert "grew from 100 to 800 MB" in line
    (line,) = creeping([life(100 * _MB, open_files=5000)])
    assert "5000 descriptors" in line


def test_a_machine_that_is_slow_to_look_changes_nothing() -> None:
    """Every fifth look alone, at its own time."""
    memory = [300 * _MB + 300_000 * look for look in range(401)]
    slow = Life("api", [float(look) for look in range(0, 401, 5)], memory[::5], [40] * 81)
    (line,), (same,) = creeping([life(*memory)]), creeping([slow])
    assert line == same
