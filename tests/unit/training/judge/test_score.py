import math

import numpy as np
import pytest
import torch

from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry
from training.data.rows import Rows
from training.judge.score import Score, changed, mcnemar, metrics, score, worst
from training.synthetic import strokes

# Read as 0, 1, 2, 0 where 0, 1, 0, 0 is right.
FOUR = Score(
    np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]], np.float32),
    np.array([0, 1, 0, 0], np.int64),
)


def sure(confidence: list[float], right: list[bool]) -> Score:
    """Of two labels the first is always answered."""
    return Score(np.array([[p, 1 - p] for p in confidence], np.float32), np.array([not it for it in right], np.int64))


def test_a_score_counts_right_answers() -> None:
    assert FOUR.answers.tolist() == [0, 1, 2, 0]
    assert FOUR.confidence.tolist() == pytest.approx([0.7, 0.8, 0.4, 0.5])
    assert FOUR.right.tolist() == [True, True, False, True]
    assert FOUR.accuracy == 0.75


def test_metrics_as_worked_out_by_hand() -> None:
    facts = metrics(FOUR, ("a", "b", "c"))
    assert facts.rows == 4
    assert facts.accuracy == 0.75
    assert facts.nll == pytest.approx(-(math.log(0.7) + math.log(0.8) + math.log(0.3) + math.log(0.5)) / 4, abs=1e-6)
    assert facts.ece == pytest.approx((0.3 + 0.2 + 0.4 + 0.5) / 4, abs=1e-6)  # four bins of one row each
    assert facts.confusion == [[2, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert facts.labels["a"] == pytest.approx({"precision": 1, "recall": 2 / 3, "f1-score": 0.8, "support": 3})
    assert facts.labels["b"] == {"precision": 1, "recall": 1, "f1-score": 1, "support": 1}
    assert facts.labels["c"] == {"precision": 0, "recall": 0, "f1-score": 0, "support": 0}


def test_labels_keep_their_order_and_names() -> None:
    names = ("zero", "accuracy", "macro avg")  # the last two mean something in scikit-learn's own reports
    facts = metrics(FOUR, names)
    assert tuple(facts.labels) == names
    assert facts.labels["accuracy"]["support"] == 1


@pytest.mark.parametrize("labels", [2, 3, 37])
def test_one_row_is_enough(labels: int) -> None:
    spread = np.full((1, labels), 0.1 / (labels - 1), np.float32)
    spread[0, 1] = 0.9
    facts = metrics(Score(spread, np.array([1], np.int64)), tuple(map(str, range(labels))))
    assert (facts.rows, facts.accuracy) == (1, 1)
    assert facts.nll == pytest.approx(-math.log(0.9), abs=1e-6)
    assert facts.ece == pytest.approx(0.1, abs=1e-6)
    assert len(facts.confusion) == len(facts.labels) == labels
    assert sum(map(sum, facts.confusion)) == facts.confusion[1][1] == 1


def test_a_certain_mistake_costs_much_and_not_everything() -> None:
    facts = metrics(sure([1.0], [False]), ("a", "b"))
    assert 10 < facts.nll < 1000
    assert (facts.accuracy, facts.ece) == (0, 1)


def test_confidence_that_keeps_its_word_has_no_calibration_error() -> None:
    assert metrics(sure([0.75] * 4, [True, True, True, False]), ("a", "b")).ece == pytest.approx(0, abs=1e-6)
    assert metrics(sure([0.95] * 4, [True, True, False, False]), ("a", "b")).ece == pytest.approx(0.45, abs=1e-6)
    two_bins = sure([0.95] * 4 + [0.55] * 4, [True] * 4 + [True, True, False, False])
    assert metrics(two_bins, ("a", "b")).ece == pytest.approx((0.05 + 0.05) / 2, abs=1e-6)


def test_the_worst_mistakes_are_the_most_confident() -> None:
    result = sure([0.6, 0.99, 0.9, 0.8, 0.95], [False, True, False, False, False])
    assert worst(result, 10).tolist() == [4, 2, 3, 0]
    assert worst(result, 2).tolist() == [4, 2]
    assert worst(sure([0.9], [True]), 2).tolist() == []


def test_mcnemar_as_worked_out_by_hand() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(4, 4) == 1
    assert mcnemar(0, 3) == pytest.approx(2 / 2**3)
    assert mcnemar(1, 6) == pytest.approx(2 * (1 + 7) / 2**7)
    assert mcnemar(6, 1) == pytest.approx(mcnemar(1, 6))


def test_changed_counts_rows_answered_otherwise() -> None:
    other = Score(np.roll(FOUR.probabilities, 1, axis=1), FOUR.truth)
    assert changed(FOUR, FOUR) == 0
    assert changed(FOUR, other) == 4
    half = Score(np.where([[True], [False], [True], [False]], FOUR.probabilities, other.probabilities), FOUR.truth)
    assert changed(FOUR, half) == changed(half, FOUR) == 2


def test_a_score_is_the_models_answers_in_order(registry: Registry) -> None:
    version = registry.resolve(Ref("digits"))
    model = Model.load(version.folder, version.manifest)
    pictures = np.concatenate([strokes.units(per_digit=30, seed=seed) for seed in (1, 2)])  # 600: more than one batch
    truth = np.tile(np.repeat(np.arange(10), 30), 2)
    result = score(model, Rows(torch.from_numpy(pictures), torch.from_numpy(truth)))
    assert (result.truth == truth).all()
    assert np.abs(result.probabilities - model.predict(pictures)).max() < 1e-4
    assert result.accuracy > 0.8
    assert metrics(result, version.manifest.labels).confusion[3][3] > 45
