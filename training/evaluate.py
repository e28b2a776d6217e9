"""Measures a version on labelled rows, always through `models_store.model`: what is measured is what serves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_store.model import Model, Probabilities, predict_all
from training.data import Rows, as_numpy


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
    def accuracy(self) -> float:
        """Share of rows answered right."""
        return float((self.answers == self.truth).mean())


def score(model: Model, rows: Rows) -> Score:
    """Runs the model over all rows."""
    pictures, truth = as_numpy(rows)
    return Score(predict_all(model, pictures), truth)


def changed(left: Score, right: Score) -> int:
    """How many rows the two answer differently."""
    return int((left.answers != right.answers).sum())


@dataclass(frozen=True)
class Metrics:
    """A score in numbers, by scikit-learn's formulas."""

    rows: int
    accuracy: float
    nll: float  # mean negative log-likelihood, in nats
    labels: dict[str, dict[str, float]]  # label -> precision, recall, f1-score, support
    confusion: list[list[int]]  # rows are the truth, columns the answers


def metrics(result: Score, labels: tuple[str, ...]) -> Metrics:
    """What a report says of a score."""
    from sklearn.metrics import classification_report, confusion_matrix, log_loss  # a second to import

    indices = list(range(len(labels)))
    exact = result.probabilities.astype(np.float64)
    exact /= exact.sum(1, keepdims=True)  # float32 rows miss 1 by 1e-7, which log_loss warns about
    per_label = classification_report(
        result.truth, result.answers, labels=indices, target_names=labels, output_dict=True, zero_division=0
    )
    return Metrics(
        rows=len(result.truth),
        accuracy=result.accuracy,
        nll=float(log_loss(result.truth, exact, labels=indices)),
        labels={label: per_label[label] for label in labels},
        confusion=confusion_matrix(result.truth, result.answers, labels=indices).tolist(),
    )
