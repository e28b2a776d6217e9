"""One look at a picture: what stands out, how plainly, and which of several looks shows what was meant."""

import dataclasses

import numpy as np
import pytest

from models_store.pictures.ground import Inked
from models_store.pictures.one.look import Seen, View, bright, look, plainest
from models_store.pictures.one.rules import NONE
from models_store.preparation import WritingSpec
from tests.support.layout import Strokes, grey, placed
from training.synthetic import strokes as draw

SPEC = WritingSpec()
SIZE = 128, 128
WHOLE = View(0, 0, 1.0)


def inked(strokes: Strokes, contrast: float = 0.8, dark: bool = True, grain: float = 0.01) -> Inked:
    """Strokes in the middle of even paper of 200 grey levels."""
    top, left = ((side - length) // 2 for side, length in zip(SIZE, strokes.shape, strict=True))
    ink = placed(strokes, SIZE, top, left, 0, 1) * contrast
    return Inked(ink.astype(np.float32), grey(200 * (1 - ink)), dark, 200.0, grain, even=True)


def seen(of: Inked) -> Seen:
    found = look(of, WHOLE, SPEC, NONE)
    assert found is not None
    return found


@pytest.fixture
def three(rng: np.random.Generator) -> Strokes:
    return draw.digit(3, 60, rng)


def test_the_digit_is_seen_where_it_is_with_its_contrast(three: Strokes) -> None:
    found = seen(inked(three))
    assert found.contrast == pytest.approx(0.8, abs=0.01)
    assert found.levels == pytest.approx(0.8 * 200, abs=2)
    assert found.ink.max() == pytest.approx(1, abs=0.01)
    assert (found.marks.box.height, found.marks.box.width) == pytest.approx(three.shape, abs=3)
    assert found.dark and not found.marks.several


def test_grain_and_the_faintest_ink_are_nothing(three: Strokes) -> None:
    assert look(inked(three, contrast=0.09), WHOLE, SPEC, NONE) is None  # under `faint`
    assert look(inked(three, contrast=0.11), WHOLE, SPEC, NONE) is not None
    assert look(inked(three, contrast=0.3, grain=0.09), WHOLE, SPEC, NONE) is None  # under four deviations
    assert look(inked(np.zeros((9, 9), np.float32)), WHOLE, SPEC, NONE) is None


def test_strokes_are_plainer_than_a_blot(three: Strokes) -> None:
    blot = np.ones((60, 40), np.float32)
    assert seen(inked(three)).plainness > 4 * seen(inked(blot)).plainness


def test_the_plainest_look_wins_and_of_two_alike_the_darkness_that_is_usual(three: Strokes) -> None:
    strong, weak = seen(inked(three)), seen(inked(three, contrast=0.3))
    assert plainest([weak, None, strong], usual=True) is strong
    light = seen(inked(three, dark=False))
    assert plainest([strong, light], usual=True) is strong
    assert plainest([strong, light], usual=False) is light


def test_where_no_look_shows_anything_plainly_there_is_none(three: Strokes) -> None:
    assert plainest([], usual=True) is None
    assert plainest([None, None], usual=True) is None
    assert plainest([seen(inked(np.ones((60, 60), np.float32)))], usual=True) is None  # a block is no stroke

    def doubtful(grain: float) -> Seen:
        found = seen(inked(three, contrast=0.4, grain=grain))
        return dataclasses.replace(found, marks=dataclasses.replace(found.marks, clarity=0.02))

    assert plainest([doubtful(grain=0.06)], usual=True) is None
    assert plainest([doubtful(grain=0.04)], usual=True) is not None  # ten deviations off the grain, less will do


def test_the_darkest_ink_becomes_1_and_its_darkness_is_told() -> None:
    ink = np.zeros((100, 100), np.float32)
    ink[:, :20] = 0.5
    ink[0, 0] = 1.0  # one pixel of 10,000 is dirt
    whole, peak = bright(ink)
    assert peak == pytest.approx(0.5, abs=0.002)
    assert whole.max() == 1 and whole[:, :20].min() == pytest.approx(1, abs=0.01)
    assert bright(np.zeros((9, 9), np.float32))[0].max() == 0


def test_a_view_says_where_it_lies_in_another_one() -> None:
    part, whole = View(left=40, top=20, scale=2.0), View(left=0, top=10, scale=0.5)
    assert part.seen_from(whole) == (20.0, 5.0, 4.0)
    assert whole.seen_from(part) == (-80.0, -20.0, 0.25)
    assert part.seen_from(part) == (0.0, 0.0, 1.0)
