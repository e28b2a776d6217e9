"""Fits how sure a version may sound, on rows that neither trained it nor test it. It knows no net and no loop."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from models_store.manifest import Calibration
from models_store.model import Probabilities
from training.evaluate import Score

_RIGHT_ENOUGH = 0.999  # share of the answers above the threshold that must be right on the held-out rows
_LEAST_THRESHOLD = 0.5  # below it, another label may be as probable


def fit(held_out: Score, fitted_on: str) -> Calibration:
    """Temperature scaling (Guo et al. 2017, arXiv:1706.04599), then the lowest threshold above which 99.9 % are right.

    `held_out` must come from a model with temperature 1.
    """
    found = minimize_scalar(
        lambda log_t: _nll(cooled(held_out.probabilities, float(np.exp(log_t))), held_out.truth),
        bounds=(np.log(0.2), np.log(5.0)),
        method="bounded",
    )
    temperature = round(float(np.exp(found.x)), 4)
    return Calibration(
        temperature=temperature,
        threshold=_threshold(cooled(held_out.probabilities, temperature), held_out.truth),
        fitted_on=fitted_on,
    )


def cooled(probabilities: Probabilities, temperature: float) -> NDArray[np.float64]:
    """softmax(logits / temperature), from softmax(logits): logarithms of probabilities are logits up to a constant."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-30)) / temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


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
