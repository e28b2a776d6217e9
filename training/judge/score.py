"""Scores a model on labelled rows, always through `models_store.model`: what is measured is what serves."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models_store.files import Probabilities
from models_store.model import Model, predict_all
from training.data.rows import Rows, as_numpy
from training.data.torchvision import torchvision

_ECE_BINS = 15  # as in Guo et al. 2017, arXiv:1706.04599
_SCORED_PIXELS, _LEAST_SCORED = 128 * 28 * 28, 4  # at a time: 500 digits leave the core's cache, and take 1.6 as long
_MANY = 64  # pictures in the larger batch that is timed
_ROUNDS, _SECONDS = 3, 0.5  # versions are timed in turns, because other work on the machine comes and goes


@dataclass(frozen=True)
class Score:
    """Answers beside the truth: float32 [N, labels] and int64 [N]."""

    probabilities: Probabilities
    truth: NDArray[np.int64]

    @property
    def answers(self) -> NDArray[np.int64]:
        """The most probable label's index of each row."""
        return np.asarray(self.probabilities.argmax(1), np.int64)

    @property
    def confidence(self) -> NDArray[np.float32]:
        """The probability of each row's answer."""
        return np.asarray(self.probabilities.max(1), np.float32)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which rows were answered right."""
        return np.asarray(self.answers == self.truth)

    @property
    def accuracy(self) -> float:
        """Share of rows answered right."""
        return float(self.right.mean())

    def parts(self, those: NDArray[np.bool_]) -> tuple["Score", "Score"]:
        """(The other rows, those rows)."""
        return tuple(Score(self.probabilities[part], self.truth[part]) for part in (~those, those))  # type: ignore[return-value]


def most_frequent(truth: NDArray[np.int64]) -> float:
    """The share of the label that comes most often: what one reads right who always says this one."""
    return float(np.unique(truth, return_counts=True)[1].max() / len(truth))


def score(model: Model, rows: Rows) -> Score:
    """Runs the model over all rows, of which there must be one or more."""
    pictures, truth = as_numpy(rows)
    size = max(_LEAST_SCORED, _SCORED_PIXELS // math.prod(model.picture.shape))
    return Score(predict_all(model, pictures, size), truth)


def changed(left: Score, right: Score) -> int:
    """How many rows the two answer differently."""
    return int((left.answers != right.answers).sum())


def worst(result: Score, most: int) -> NDArray[np.int64]:
    """Indices of the rows read wrong, the most confident first, and `most` at most."""
    wrong = np.flatnonzero(~result.right)
    return np.asarray(wrong[np.argsort(-result.confidence[wrong], kind="stable")][:most])


def mcnemar(only_left: int, only_right: int) -> float:
    """How likely two equally good readers differ at least as much, given the rows that only one of them reads right.

    McNemar's test (1947, doi:10.1007/BF02295996) in its exact form: each such row is a toss of a fair coin.
    """
    from scipy.stats import binomtest

    return float(binomtest(only_left, only_left + only_right, 0.5).pvalue) if only_left + only_right else 1.0


@dataclass(frozen=True)
class Metrics:
    """A score in numbers, by scikit-learn's and torchmetrics' formulas."""

    rows: int
    accuracy: float
    nll: float  # mean negative log-likelihood, in nats
    ece: float  # expected calibration error: how far confidence and accuracy lie apart, 0..1
    labels: dict[str, dict[str, float]]  # label -> precision, recall, f1-score, support
    confusion: list[list[int]]  # rows are the truth, columns the answers


def metrics(result: Score, labels: tuple[str, ...]) -> Metrics:
    """What a report says of a score of one row or more. Precision and recall of what never occurs are 0.

    The calibration error is the L1 one over 15 equal bins of confidence (Naeini et al. 2015); torchmetrics gives a
    confidence of exactly 1 a bin of its own.
    """
    from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support  # a second to import

    torchvision()  # torchmetrics imports it, which fails beside a CPU-only torch unless our shim did it first
    from torchmetrics.functional.classification import multiclass_calibration_error  # two seconds

    indices = list(range(len(labels)))
    exact = result.probabilities.astype(np.float64)
    exact /= exact.sum(1, keepdims=True)  # float32 rows miss 1 by 1e-7, which log_loss warns about
    tensors = torch.from_numpy(exact), torch.from_numpy(np.array(result.truth))
    ece = multiclass_calibration_error(*tensors, num_classes=len(labels), n_bins=_ECE_BINS, norm="l1")
    columns = precision_recall_fscore_support(result.truth, result.answers, labels=indices, zero_division=0)
    names = ("precision", "recall", "f1-score", "support")
    per_label = [dict(zip(names, map(float, row), strict=True)) for row in zip(*columns, strict=True)]
    return Metrics(
        rows=len(result.truth),
        accuracy=result.accuracy,
        nll=float(log_loss(result.truth, exact, labels=indices)),
        ece=float(ece),
        labels=dict(zip(labels, per_label, strict=True)),
        confusion=confusion_matrix(result.truth, result.answers, labels=indices).tolist(),
    )


def times(models: Sequence[Model]) -> NDArray[np.float64]:
    """[models, 2]: milliseconds for a picture by itself and for one of many. The least counts: noise only ever adds."""
    rounds: list[list[tuple[float, float]]] = []
    began = time.monotonic()
    while len(rounds) < _ROUNDS or time.monotonic() - began < _SECONDS:
        sizes = [(model, min(_MANY, model.largest_batch)) for model in models]
        rounds.append([(1000 * model.seconds(1), 1000 * model.seconds(many) / many) for model, many in sizes])
    return np.asarray(np.min(rounds, axis=0))
