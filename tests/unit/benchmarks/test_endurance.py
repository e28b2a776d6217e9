from collections import Counter

import pytest

from benchmarks.endurance import Lasted, slope

MIB = 2**20


def looks(*sizes: float) -> list[tuple[float, int]]:
    """One every half minute."""
    return [(30.0 * number, int(size * MIB)) for number, size in enumerate(sizes)]


def test_the_slope_is_of_the_second_half() -> None:
    assert slope(looks(100, 200, 300, 300, 300, 300, 300)) == pytest.approx(0)
    assert slope(looks(300, 300, 300, 300, 301, 302, 303)) == pytest.approx(2)
    assert slope(looks(300, 300, 300, 300, 299, 298, 297)) == pytest.approx(-2)


STEADY = looks(290, 300, 300, 300, 300)


@pytest.mark.parametrize(
    ("wrong", "answered", "memory", "failed"),
    [
        (0, ["digits@2", "digits@3"], {1: STEADY, 2: STEADY}, []),
        (3, ["digits@2", "digits@3"], {1: STEADY, 2: STEADY}, ["3 requests failed"]),
        (0, ["digits@2"], {1: STEADY, 2: STEADY}, ["only digits@2 answered"]),
        (0, ["digits@2", "digits@3"], {1: STEADY, 2: STEADY, 7: STEADY}, ["3 API processes were seen, 2 were started"]),
        (0, ["digits@2", "digits@3"], {1: STEADY, 2: looks(360, 300, 300, 300)}, ["process 2 held 360 MiB"]),
        (0, ["digits@2", "digits@3"], {1: looks(300, 301, 302), 2: STEADY}, ["process 1 grew by 2.00 MiB a minute"]),
    ],
)
def test_it_held_where_nothing_failed_and_nothing_grew(
    wrong: float, answered: list[str], memory: dict[int, list[tuple[float, int]]], failed: list[str]
) -> None:
    lasted = Lasted({"wrong": wrong}, 5, Counter(answered), memory)
    assert lasted.failures(2) == failed
