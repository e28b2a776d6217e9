"""A window against the baseline: how often chance is taken for drift, and what is found."""

import dataclasses

import numpy as np
import pytest

from app.telemetry.drift.compare import Rule, ShareShift, Signal, compared
from app.telemetry.drift.tally import Tally
from tests.unit.app.telemetry.drift.drawn import EVEN, POSTAL, drawn

RULE = Rule()


def off(found: tuple[ShareShift, ShareShift]) -> set[Signal]:
    return {one.signal for one in found if one.is_off}


@pytest.mark.parametrize("mix", [EVEN, POSTAL])
@pytest.mark.parametrize("level", [0.5, 0.05])
def test_chance_is_taken_for_drift_no_more_often_than_stated(
    level: float, mix: tuple[float, ...], rng: np.random.Generator
) -> None:
    """At levels at which it can be counted, and without the least shifts, which only make it rarer."""
    rule, windows = dataclasses.replace(RULE, level=level, least_uncertain=0.0, least_label=0.0), 400
    found = sum(
        bool(off(compared(drawn(rng, 1000, 0.05, mix), drawn(rng, 500, 0.05, mix), rule))) for _ in range(windows)
    )
    assert 0 < found <= windows * level


def test_only_sevens_are_found() -> None:
    baseline = Tally(1000, 50, {str(digit): 100 for digit in range(10)})
    _, labels = compared(baseline, Tally(500, 25, {"7": 500}), RULE)
    assert (labels.is_off, labels.label, labels.before, labels.now) == (True, "7", 0.1, 1.0)
    assert labels.shift == pytest.approx(0.9)


def test_a_label_that_was_never_there_is_found() -> None:
    baseline = Tally(1000, 50, {"0": 500, "1": 500})
    _, labels = compared(baseline, Tally(500, 25, {"0": 230, "1": 220, "letter": 50}), RULE)
    assert (labels.is_off, labels.label, labels.now) == (True, "letter", 0.1)


def test_what_is_hard_to_read_is_found(rng: np.random.Generator) -> None:
    found = compared(drawn(rng, 1000, 0.05), drawn(rng, 500, 0.3), RULE)
    assert off(found) == {Signal.UNCERTAIN}


def test_a_shift_that_is_certain_and_tiny_is_none() -> None:
    """Of many readings everything is significant."""
    found = compared(Tally(10**6, 50_000, {"7": 10**6}), Tally(10**6, 60_000, {"7": 10**6}), RULE)
    assert found[0].p < 1e-100
    assert (off(found), found[0].is_calm) == (set(), True)


def test_between_calm_and_off_nothing_changes() -> None:
    uncertain, _ = compared(Tally(1000, 50, {"7": 1000}), Tally(500, 50, {"7": 500}), RULE)
    assert (uncertain.is_off, uncertain.is_calm) == (False, False)


def test_windows_without_labels_are_calm() -> None:
    uncertain, labels = compared(Tally(1000, 0), Tally(500, 0), RULE)
    assert (uncertain.p, labels.p, labels.label, labels.is_calm) == (1.0, 1.0, None, True)
