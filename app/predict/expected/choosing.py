"""Chooses among doubtful readings those that a person expects: so many digits, and a check that they pass.

What is read without doubt is never changed.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.inference.verdict import Verdict
from app.predict.expected.checks import Check

_LEAST = 0.001  # probability of a label, from which it may be what was written
_NEVER = 1e-9  # in the place of a probability of 0, whose logarithm there is not


class Met(StrEnum):
    """Whether a number is as it was expected."""

    AS_READ = "as_read"
    CHOSEN = "chosen"  # doubtful readings were exchanged for the most probable ones with which it is
    MISSED = "missed"  # no doubtful reading makes it so; a person should look


@dataclass(frozen=True)
class Option:
    """One way to read a mark: the places of its digits, none where it is left out, and how likely that is."""

    digits: tuple[int, ...]
    likely: float


@dataclass(frozen=True)
class Choice:
    """A number's digits by their places, their labels, and whether it is as it was expected."""

    digits: tuple[int, ...]
    labels: tuple[str, ...]
    met: Met


def choose(
    read: Sequence[int], marks: Sequence[Sequence[Option]], verdicts: Sequence[Verdict], lengths: frozenset[int],
    check: Check | None,
) -> Choice:  # fmt: skip
    """`read` are the places of the digits as they were read, `marks` the ways to read each mark, in order; `lengths`
    are the counts that are expected, empty where any is."""
    digits = tuple(read)
    if lengths and len(digits) not in lengths:
        found = _counted(marks, lengths)
        if found is None:
            return Choice(digits, tuple(verdicts[i].label for i in digits), Met.MISSED)
        digits = found
    labels = tuple(verdicts[i].label for i in digits)
    met = Met.AS_READ if digits == tuple(read) else Met.CHOSEN
    if check is None or _passes(check, labels):
        return Choice(digits, labels, met)
    passing = _passing([verdicts[i] for i in digits], check)
    return Choice(digits, labels, Met.MISSED) if passing is None else Choice(digits, passing, Met.CHOSEN)


def _passes(check: Check, labels: Iterable[str]) -> bool:
    digits = [_digit(label) for label in labels]
    return None not in digits and check.passes([digit for digit in digits if digit is not None])


def _counted(marks: Sequence[Sequence[Option]], lengths: frozenset[int]) -> tuple[int, ...] | None:
    """The likeliest way to read all marks that has one of these counts of digits."""
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for options in marks:
        grown: dict[int, tuple[float, tuple[int, ...]]] = {}
        for count, (likely, digits) in best.items():
            for option in options:
                way = likely + math.log(max(option.likely, _NEVER)), digits + option.digits
                total = count + len(option.digits)
                if total <= max(lengths) and (total not in grown or way[0] > grown[total][0]):
                    grown[total] = way
        best = grown
    return max((best[count] for count in lengths if count in best), default=(0.0, None))[1]


def _passing(verdicts: Sequence[Verdict], check: Check) -> tuple[str, ...] | None:
    """The most probable labels that pass the check, of which only doubtful ones differ from what was read."""
    count = len(verdicts)
    if not count or (check.lengths and count not in check.lengths):
        return None
    modulus = check.modulus(count)
    best: dict[int, tuple[float, tuple[str, ...]]] = {0: (0.0, ())}
    for place, verdict in enumerate(verdicts):
        grown: dict[int, tuple[float, tuple[str, ...]]] = {}
        for label, probability in _labels(verdict):
            digit = _digit(label)
            if digit is None:
                continue
            for rest, (likely, labels) in best.items():
                way = likely + math.log(max(probability, _NEVER)), (*labels, label)
                total = (rest + check.adds(place, count, digit)) % modulus
                if total not in grown or way[0] > grown[total][0]:
                    grown[total] = way
        best = grown
    found = best.get(check.rest % modulus)
    return None if found is None else found[1]


def _labels(verdict: Verdict) -> list[tuple[str, float]]:
    if not verdict.uncertain:
        return [(verdict.label, verdict.confidence)]
    return [(label, probability) for label, probability in verdict.probabilities.items() if probability >= _LEAST]


def _digit(label: str) -> int | None:
    return int(label) if len(label) == 1 and label.isascii() and label.isdigit() else None
