from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.fit.epoch import Epoch
from training.judge import plots

BLUE, ORANGE = (0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E)  # matplotlib's first two colours
RED = (255, 0, 0)


def drawn(path: Path) -> NDArray[np.uint8]:
    """[rows, columns, 3] of the PNG that was written."""
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def share(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> float:
    return float((picture == np.array(colour)).all(2).mean())


def coloured(picture: NDArray[np.uint8]) -> int:
    """Pixels that are not grey."""
    return int((picture.max(2) - picture.min(2) > 10).sum())


def test_only_mistakes_have_a_colour_in_the_confusion_matrix(tmp_path: Path) -> None:
    plots.confusion([[5, 0], [0, 5]], ("a", "b"), tmp_path / "right.png")
    plots.confusion([[5, 1], [0, 5]], ("a", "b"), tmp_path / "wrong.png")
    assert coloured(drawn(tmp_path / "right.png")) == 0
    assert coloured(drawn(tmp_path / "wrong.png")) > 1000


def test_any_label_can_be_drawn(tmp_path: Path) -> None:
    labels = ["$\\frac{$", "$x$", "日本", "american_pit_bull_terrier" * 3, "a\nb", "_^", ""]
    plots.confusion(np.ones((7, 7), int).tolist(), labels, tmp_path / "all.png")
    captions = [f"is {label}, read {label} (100 %)" for label in labels]
    plots.mistakes(np.zeros((7, 1, 28, 28), np.uint8), captions, tmp_path / "sheet.png")
    assert drawn(tmp_path / "all.png").shape[0] > 300 and drawn(tmp_path / "sheet.png").shape[0] > 100


def epochs(validated: bool, count: int = 6) -> list[Epoch]:
    watched = {"validation_loss": 0.6, "validation_accuracy": 0.5} if validated else {}
    return [Epoch(n, count, 1 / n, 1 - 1 / n, 0.1, 1.0, **watched) for n in range(1, count + 1)]


def test_each_run_has_a_colour_and_validation_a_line_of_its_own(tmp_path: Path) -> None:
    plots.curves({"training": epochs(False)}, tmp_path / "one.png")
    plots.curves({"training": epochs(True)}, tmp_path / "watched.png")
    plots.curves({"training": epochs(False), "calibration": epochs(False)}, tmp_path / "two.png")
    one, watched, two = (drawn(tmp_path / f"{name}.png") for name in ("one", "watched", "two"))
    assert share(one, BLUE) > 0 == share(one, ORANGE)
    assert share(watched, BLUE) > 1.1 * share(one, BLUE) and share(watched, ORANGE) == 0
    assert share(two, ORANGE) > 0


def test_a_single_epoch_is_drawn(tmp_path: Path) -> None:
    plots.curves({"training": epochs(True, count=1)}, tmp_path / "curves.png")
    assert share(drawn(tmp_path / "curves.png"), BLUE) > 0


def test_the_sheet_shows_colours_in_order(tmp_path: Path) -> None:
    pure = np.zeros((3, 3, 20, 30), np.uint8)
    for place in range(3):
        pure[place, place] = 255
    plots.mistakes(pure, ["red", "green", "blue"], tmp_path / "sheet.png")
    sheet = drawn(tmp_path / "sheet.png")
    columns = [np.flatnonzero((sheet == np.eye(3)[place] * 255).all(2).any(0)) for place in range(3)]
    assert columns[0].max() < columns[1].min() and columns[1].max() < columns[2].min()


def test_the_sheet_keeps_grey_levels_as_they_are(tmp_path: Path) -> None:
    levels = np.array([60, 90, 120], np.uint8)  # none of them black or white: nothing may be stretched
    plots.mistakes(np.tile(levels[:, None, None, None], (1, 1, 8, 8)), ["a", "b", "c"], tmp_path / "sheet.png")
    sheet = drawn(tmp_path / "sheet.png")
    assert all(share(sheet, (level, level, level)) > 0.02 for level in levels.tolist())


@pytest.mark.parametrize("count", [1, 8, 9, 48])
def test_every_mistake_is_on_the_sheet(tmp_path: Path, count: int) -> None:
    red = np.zeros((count, 3, 8, 8), np.uint8)
    red[:, 0] = 255
    plots.mistakes(red, ["is 4, read 9 (99 %)"] * count, tmp_path / "sheet.png")
    mask = (drawn(tmp_path / "sheet.png") == RED).all(2)
    rows = int((np.diff(mask.any(1).astype(int)) == 1).sum())
    first = mask[np.flatnonzero(mask.any(1))[5]]  # a line of pixels through the first row of pictures
    assert rows == -(-count // 8)
    assert int((np.diff(first.astype(int)) == 1).sum()) == min(count, 8)


def test_reliability_shows_how_often_answers_were_right(tmp_path: Path) -> None:
    sure = np.array([0.99, 1.0, 0.97, 0.985] * 10, np.float32)
    plots.reliability(sure, np.ones(40, bool), tmp_path / "right.png")
    plots.reliability(sure, np.arange(40) % 2 == 0, tmp_path / "half.png")
    plots.reliability(sure, np.zeros(40, bool), tmp_path / "wrong.png")
    right, half, wrong = (share(drawn(tmp_path / f"{name}.png"), BLUE) for name in ("right", "half", "wrong"))
    assert right > 0.01 and wrong == 0
    assert half == pytest.approx(right / 2, rel=0.1)
