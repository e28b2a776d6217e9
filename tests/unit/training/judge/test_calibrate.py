import numpy as np
import pytest
from numpy.typing import NDArray

from training.judge import calibrate
from training.judge.score import Score

Rows = NDArray[np.float64]


def softmax(logits: Rows) -> Rows:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def overconfident(temperature: float, rows: int = 20_000, seed: int = 0, spread: float = 2.0) -> Score:
    """Truths drawn from softmax(logits), told as softmax(logits * temperature): dividing by it again is right."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (rows, 10))
    chosen = (softmax(logits).cumsum(1) < rng.random((rows, 1))).sum(1).clip(0, 9)
    return Score(softmax(logits * temperature).astype(np.float32), chosen.astype(np.int64))


def share_right(result: Score, temperature: float, threshold: float) -> float:
    cooled = calibrate.cooled(result.probabilities, temperature)
    above = cooled.max(1) >= threshold
    return float((cooled.argmax(1) == result.truth)[above].mean()) if above.any() else 1.0


def test_temperature_1_changes_nothing() -> None:
    probabilities = overconfident(1.5, rows=500).probabilities
    assert np.abs(calibrate.cooled(probabilities, 1.0) - probabilities).max() < 1e-6


def test_cooling_as_worked_out_by_hand() -> None:
    probabilities = np.array([[0.8, 0.2]], np.float32)
    assert calibrate.cooled(probabilities, 2.0)[0] == pytest.approx([2 / 3, 1 / 3])  # roots: 2 to 1
    assert calibrate.cooled(probabilities, 0.5)[0] == pytest.approx([16 / 17, 1 / 17])  # squares: 16 to 1


def test_cooling_probabilities_is_cooling_logits(rng: np.random.Generator) -> None:
    logits = rng.normal(0, 3, (100, 10))
    cooled = calibrate.cooled(softmax(logits).astype(np.float32), 1.7)
    assert np.abs(cooled - softmax(logits / 1.7)).max() < 1e-6


def test_a_probability_of_0_stays_finite() -> None:
    cooled = calibrate.cooled(np.array([[1, 0, 0]], np.float32), 4.0)
    assert np.isfinite(cooled).all()
    assert cooled[0, 0] > 0.999


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 3.0])
def test_the_temperature_is_found_again(temperature: float) -> None:
    fitted = calibrate.fit(overconfident(temperature), "synthetic rows")
    assert fitted.temperature == pytest.approx(temperature, rel=0.04)
    assert fitted.fitted_on == "synthetic rows"


def test_the_fitted_temperature_beats_its_neighbours() -> None:
    result = overconfident(2.2, rows=5000)
    best = calibrate.fit(result, "").temperature

    def loss(temperature: float) -> float:
        cooled = calibrate.cooled(result.probabilities, temperature)
        return float(-np.log(cooled[np.arange(len(cooled)), result.truth]).mean())

    assert loss(best) < min(loss(best * 1.1), loss(best / 1.1))


@pytest.mark.parametrize("seed", range(8))
def test_answers_above_the_threshold_are_right_enough(seed: int) -> None:
    result = overconfident(1.4, rows=5000, seed=seed, spread=4.0)
    fitted = calibrate.fit(result, "")
    assert 0.5 <= fitted.threshold <= 1
    assert share_right(result, fitted.temperature, fitted.threshold) >= 0.999
    assert share_right(result, fitted.temperature, 0.98 * fitted.threshold) < 0.999  # and it is not too careful


@pytest.mark.parametrize("middle", [0.85, 0.9, 0.95])
def test_rows_that_are_equally_sure_stand_on_one_side_of_the_threshold(middle: float) -> None:
    sure = np.array([[0.99, 0.01]] * 40 + [[middle, 1 - middle]] * 40 + [[0.7, 0.3]] * 20, np.float32)
    truth = np.array([0] * 40 + [0] * 20 + [1] * 20 + [0] * 13 + [1] * 7, np.int64)  # half of the middle ones are wrong
    fitted = calibrate.fit(Score(sure, truth), "")
    assert share_right(Score(sure, truth), fitted.temperature, fitted.threshold) >= 0.999


def test_rows_that_are_all_right_need_no_more_than_half() -> None:
    unsure = Score(np.tile(np.array([[0.34, 0.33, 0.33]], np.float32), (50, 1)), np.zeros(50, np.int64))
    assert calibrate.fit(unsure, "").threshold >= 0.5


def test_rows_that_are_all_wrong_leave_nothing_above_the_threshold() -> None:
    wrong = Score(np.tile(np.array([[0.9, 0.1]], np.float32), (50, 1)), np.ones(50, np.int64))
    assert calibrate.fit(wrong, "").threshold == 1


def test_photographs_decide_where_there_are_some() -> None:
    clean, photographed = overconfident(3.0), overconfident(1.5, seed=1, spread=3.0)
    fitted = calibrate.fit(clean, "both", photographed)
    assert fitted.temperature == pytest.approx(1.5, rel=0.04)
    assert fitted.fitted_on == "both"
    assert calibrate.fit(overconfident(0.5, seed=2), "both", photographed) == fitted


def test_the_threshold_is_the_highest_that_answers_enough() -> None:
    """96 % of the photographs are answered; of the two best labels together, 99.5 % are plausible."""
    photographed = overconfident(1.2, spread=40.0)
    fitted = calibrate.fit(overconfident(1.0, rows=100), "", photographed)
    cooled = np.sort(calibrate.cooled(photographed.probabilities, fitted.temperature), axis=1)
    for bound, sums, share in (
        (fitted.threshold, cooled[:, -1], 0.96),
        (fitted.plausible, cooled[:, -2:].sum(1), 0.995),
    ):
        rows = len(sums)
        assert (sums >= bound).sum() >= int(share * rows)
        assert (sums >= bound + 2e-3).sum() < share * rows
    assert 0.5 < fitted.threshold < fitted.plausible < 1


def test_a_threshold_is_never_below_half() -> None:
    photographed = overconfident(1.0, spread=0.5)  # nine of ten are less sure
    assert calibrate.fit(photographed, "", photographed).threshold == 0.5


def test_without_photographs_nothing_is_asked_of_the_two_best() -> None:
    assert calibrate.fit(overconfident(1.5, rows=2000), "").plausible == 0
