"""Fits how sure a version may sound, on rows that neither trained it nor test it."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from models_store.files import Probabilities
from models_store.manifest import Calibration
from training.judge.score import Score

_RIGHT_ENOUGH = 0.999  # share of the answers above the threshold that must be right on the held-out rows
_LEAST_THRESHOLD = 0.5  # below it, another label may be as probable
_ANSWERED = 0.96  # share of the held-out photographs that the threshold must let pass
_PLAUSIBLE = 0.995  # share of them whose two best labels are plausible together
_LEAST_SCALE, _LARGEST_SCALE = 0.2, 5.0  # of temperatures


def fit(held_out: Score, fitted_on: str, photographs: Score | None = None) -> Calibration:
    """Temperature scaling (Guo et al. 2017, arXiv:1706.04599), then the threshold under which a person should look.

    By `held_out` rows alone that is the lowest threshold above which 99.9 % are right. With `photographs`, as the
    service will see them, all is fitted on these, and the threshold is the highest that lets 96 % pass: what is no
    digit is stopped by it too. Both must come from a model with temperature 1.
    """
    judges = held_out if photographs is None else photographs
    found = minimize_scalar(
        lambda log_t: _nll(cooled(judges.probabilities, float(np.exp(log_t))), judges.truth),
        bounds=(math.log(_LEAST_SCALE), math.log(_LARGEST_SCALE)),
        method="bounded",
    )
    temperature = round(float(np.exp(found.x)), 4)
    cool = cooled(judges.probabilities, temperature)
    if photographs is None:
        return Calibration(temperature=temperature, threshold=_threshold(cool, judges.truth), fitted_on=fitted_on)
    passing, plausible = (
        float(np.quantile(np.sort(cool, axis=1)[:, -best:].sum(1), 1 - share))
        for best, share in ((1, _ANSWERED), (2, _PLAUSIBLE))
    )
    return Calibration(
        temperature=temperature,
        threshold=_floor(max(_LEAST_THRESHOLD, passing)),
        plausible=_floor(plausible),
        fitted_on=fitted_on,
    )


def cooled(probabilities: Probabilities, temperature: float) -> NDArray[np.float64]:
    """softmax(logits / temperature), from softmax(logits): logarithms of probabilities are logits up to a constant."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-30)) / temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def _floor(number: float) -> float:
    return math.floor(number * 1e6) / 1e6


def _nll(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-30)).mean())


def _threshold(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    order = np.argsort(-confidence)
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    ranked = confidence[order]
    last_of_equals = np.append(ranked[1:] < ranked[:-1], True)
    good = np.flatnonzero(last_of_equals & (accuracy >= _RIGHT_ENOUGH))
    lowest = float(ranked[good[-1]]) if len(good) else 1.0
    return min(1.0, math.ceil(max(lowest, _LEAST_THRESHOLD) * 1e6) / 1e6)
