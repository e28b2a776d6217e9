"""Fisher's exact test, against SciPy's distribution and against drawing."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from app.telemetry.drift.fisher import two_sided


def by_scipy(ones: int, of: int, other_ones: int, of_others: int) -> float:
    urn = ones + other_ones, of, of + of_others
    above, below = hypergeom.sf(ones - 1, urn[2], urn[0], urn[1]), hypergeom.cdf(ones, urn[2], urn[0], urn[1])
    return min(1.0, 2 * float(min(above, below)))


def test_lady_tasting_tea() -> None:
    """Fisher's own example: eight cups, all four told right: one chance in seventy."""
    assert two_sided(4, 4, 0, 4) == pytest.approx(2 / 70)


def test_it_is_what_scipy_says(rng: np.random.Generator) -> None:
    for _ in range(300):
        of, others = int(rng.integers(1, 800)), int(rng.integers(1, 3000))
        ones, other_ones = int(rng.integers(0, of + 1)), int(rng.integers(0, others + 1))
        expected = by_scipy(ones, of, other_ones, others)
        assert two_sided(ones, of, other_ones, others) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("counts"), [(0, 0, 3, 9), (3, 9, 0, 0), (0, 9, 0, 9), (9, 9, 5, 5)])
def test_what_can_tell_nothing_tells_nothing(counts: tuple[int, int, int, int]) -> None:
    assert two_sided(*counts) == 1.0


@pytest.mark.parametrize("counts", [(60_000, 60_000, 100, 1000), (0, 10**7, 10**6, 10**7), (1, 10**7, 10**7, 10**7)])
def test_counts_of_any_size_have_a_p(counts: tuple[int, int, int, int]) -> None:
    assert 0 <= two_sided(*counts) < 1e-12


def test_it_is_the_same_from_both_sides() -> None:
    assert two_sided(30, 500, 20, 1000) == pytest.approx(two_sided(20, 1000, 30, 500))
    assert two_sided(30, 500, 20, 1000) == pytest.approx(two_sided(470, 500, 980, 1000))
