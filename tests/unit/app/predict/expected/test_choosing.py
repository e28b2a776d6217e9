"""Doubtful readings are exchanged for what is expected, the likeliest ones, and sure ones never."""

import itertools
import math

import numpy as np
import pytest

from app.inference.verdict import Verdict
from app.predict.expected.checks import CHECKS
from app.predict.expected.choosing import Choice, Met, Option, choose

ANY: frozenset[int] = frozenset()


def sure(label: str) -> Verdict:
    others = {str(digit): 0.001 for digit in range(10) if str(digit) != label}
    return Verdict(label, 0.991, False, {**others, label: 0.991})


def torn(**probabilities: float) -> Verdict:
    """Of `d7=0.6, d1=0.4`: doubtful between these."""
    every = {str(digit): probabilities.get(f"d{digit}", 0.0) for digit in range(10)}
    label = max(every, key=lambda digit: every[digit])
    return Verdict(label, every[label], True, every)


def chosen(verdicts: list[Verdict], lengths: frozenset[int] = ANY, check: str | None = None) -> Choice:
    marks = [[Option((place,), verdict.confidence)] for place, verdict in enumerate(verdicts)]
    return choose(range(len(verdicts)), marks, verdicts, lengths, CHECKS[check] if check else None)


def test_what_is_as_expected_stays() -> None:
    read = [*map(sure, "7992739871"), torn(d3=0.7, d8=0.3)]
    for check, lengths in itertools.product((None, "luhn"), (ANY, frozenset({11}))):
        found = chosen(read, lengths, check)
        assert ("".join(found.labels), found.met) == ("79927398713", Met.AS_READ)


def test_the_likeliest_doubtful_digits_that_pass_are_chosen() -> None:
    found = chosen([*map(sure, "799273987"), torn(d7=0.6, d1=0.4), torn(d8=0.6, d3=0.4)], check="luhn")
    assert ("".join(found.labels), found.met) == ("79927398713", Met.CHOSEN)


def test_no_sure_digit_is_changed() -> None:
    found = chosen([*map(sure, "7992739877"), torn(d3=0.6, d8=0.4)], check="luhn")
    assert ("".join(found.labels), found.met) == ("79927398773", Met.MISSED)


@pytest.mark.parametrize("seed", range(20))
def test_it_finds_what_trying_all_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    read = []
    for _ in range(5):
        shares = rng.dirichlet(np.full(10, 0.3))
        read.append(torn(**{f"d{digit}": float(share) for digit, share in enumerate(shares)}))
    likely = {
        digits: math.prod(one.probabilities[str(digit)] for one, digit in zip(read, digits, strict=True))
        for digits in itertools.product(range(10), repeat=5)
        if CHECKS["luhn"].passes(digits)
        and all(one.probabilities[str(digit)] >= 0.001 for one, digit in zip(read, digits, strict=True))
    }
    found = chosen(read, check="luhn")
    if not likely:
        assert found.met is Met.MISSED
    elif found.met is Met.CHOSEN:
        assert "".join(found.labels) == "".join(map(str, max(likely.items(), key=lambda pair: pair[1])[0]))
    else:
        assert CHECKS["luhn"].passes([int(label) for label in found.labels])


def test_marks_are_cut_joined_and_left_out_until_there_are_so_many() -> None:
    verdicts = [sure("4"), torn(d0=0.5, d8=0.5), sure("1"), sure("2"), torn(d1=0.55, d7=0.45)]
    marks = [
        [Option((0,), 0.99)],
        [Option((1,), 0.5), Option((2, 3), 0.8), Option((), 0.5)],  # may be one digit, two, or none
        [Option((4,), 0.55), Option((), 0.45)],  # a dash?
    ]

    def of(count: int) -> tuple[str, Met]:
        found = choose([0, 1, 4], marks, verdicts, frozenset({count}), None)
        return "".join(found.labels), found.met

    assert of(3) == ("401", Met.AS_READ)
    assert of(4) == ("4121", Met.CHOSEN)
    assert of(2) == ("41", Met.CHOSEN)
    assert of(1) == ("4", Met.CHOSEN)
    assert of(5) == ("401", Met.MISSED)


def test_nothing_and_other_labels_pass_no_check() -> None:
    assert choose([], [], [], ANY, CHECKS["luhn"]).met is Met.MISSED
    letters = [Verdict("A", 0.9, False, {"A": 0.9, "B": 0.1})]
    assert chosen(letters, check="luhn") == Choice((0,), ("A",), Met.MISSED)
    assert chosen(letters, frozenset({1})) == Choice((0,), ("A",), Met.AS_READ)
