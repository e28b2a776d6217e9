"""Fisher's exact test: could two counts come from one and the same share?"""

import math
from collections.abc import Callable

_NEGLIGIBLE = 1e-18  # of what is summed already


def two_sided(ones: int, of: int, other_ones: int, of_others: int) -> float:
    """How likely `ones` of `of` and `other_ones` of `of_others` would lie at least so far apart, by twice the smaller
    tail, if all were drawn in random order from one urn (Fisher 1935, The Design of Experiments, 21). It holds exactly,
    however few they are.
    """
    marked, every = ones + other_ones, of + of_others
    if not of or not of_others or marked in (0, every):
        return 1.0
    least, most = max(0, marked - of_others), min(of, marked)
    at = _log_probability(ones, of, marked, every)

    def ratio_up(k: int) -> float:  # P(k + 1) / P(k)
        return (of - k) * (marked - k) / ((k + 1) * (of_others - marked + k + 1))

    above = _tail(ones, range(ones, most), ratio_up)
    below = _tail(ones, range(ones - 1, least - 1, -1), lambda k: 1 / ratio_up(k))
    return min(1.0, 2 * math.exp(min(0.0, at + math.log(min(above, below)))))


def _tail(begin: int, steps: range, ratio: Callable[[int], float]) -> float:
    """The sum of a tail, in units of its first member."""
    total = member = 1.0
    for k in steps:
        member *= ratio(k)
        total += member
        if member < _NEGLIGIBLE * total or total > 1e300:
            break
    return total


def _log_probability(ones: int, of: int, marked: int, every: int) -> float:
    """Of the hypergeometric distribution."""
    return _log_choose(marked, ones) + _log_choose(every - marked, of - ones) - _log_choose(every, of)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
