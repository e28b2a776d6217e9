"""Who is better, by labels of pictures that two versions read otherwise: McNemar's exact test, with a bound that holds
although somebody looks after every label (docs/decisions/0018).
"""

import functools
import math
from dataclasses import dataclass
from enum import StrEnum

MOST_LABELS = 200
_LEVEL = 0.05  # that equal versions are told apart, either way, whoever looks how often


class Judgement(StrEnum):
    """What the labels say of the challenger."""

    OPEN = "open"  # more labels are needed
    BETTER = "better"
    WORSE = "worse"
    EQUAL = "equal"  # the most labels there may be tell no difference, or could not any more


@dataclass(frozen=True)
class Labels:
    """How often which of the two was right; `neither` also where nobody can tell."""

    champion: int = 0
    challenger: int = 0
    neither: int = 0

    @property
    def count(self) -> int:
        """All pictures that were labelled."""
        return self.champion + self.challenger + self.neither

    @property
    def p(self) -> float:
        """McNemar's exact test: how likely equal versions would differ at least so much, in either direction."""
        return two_sided(self.champion, self.challenger)

    @property
    def verdict(self) -> Judgement:
        """The challenger is better where it leads by `lead()` and the plain test says so too; worse likewise."""
        ahead, left = self.challenger - self.champion, MOST_LABELS - self.count
        if abs(ahead) >= lead() and self.p < _LEVEL:
            return Judgement.BETTER if ahead > 0 else Judgement.WORSE
        return Judgement.OPEN if left > 0 and abs(ahead) + left >= lead() else Judgement.EQUAL


def two_sided(one: int, other: int) -> float:
    """The exact binomial test of two counts that come from even odds (McNemar 1947; Edwards 1948 corrects what is
    only approximated there)."""
    pairs = one + other
    tail = sum(math.comb(pairs, few) for few in range(min(one, other) + 1))
    return min(1.0, 2 * tail / (1 << pairs))


@functools.cache
def lead(most: int = MOST_LABELS, level: float = _LEVEL) -> int:
    """By how many pictures one version must be right more often than the other, at any time within `most` labels.

    Between equal versions the lead is a fair walk. By the reflection principle it reaches b within n steps with the
    probability P(S >= b) + P(S > b), S being where it is after n: the smallest b is taken that each side reaches with
    at most half the level. That is the shape of O'Brien and Fleming (1979) with a look after every label, exactly.
    """

    def reached(bound: int) -> float:
        ups = sum(math.comb(most, wins) for wins in range(most + 1) if 2 * wins - most >= bound)
        above = sum(math.comb(most, wins) for wins in range(most + 1) if 2 * wins - most > bound)
        return (ups + above) / (1 << most)

    return next(bound for bound in range(1, most + 2) if reached(bound) <= level / 2)
