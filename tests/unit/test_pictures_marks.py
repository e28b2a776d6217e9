"""Which marks are the digit: ink made by hand, whose marks are known."""

import numpy as np
import pytest

from models_store.pictures.ground import Ink
from models_store.pictures.marks import Box, Marks, marks_of
from models_store.pictures.prepare import Warned, prepare
from models_store.preparation import WritingSpec
from models_store.specs import InputSpec
from tests import layout
from tests.pictures import png
from training import draw

SIZE = 200, 300
SPEC = WritingSpec()
BAR = (70, 140, 130, 150)  # rows 70 to 129, columns 140 to 149: in the middle


def inked(*boxes: tuple[int, int, int, int], strength: float = 1.0) -> Ink:
    ink = np.zeros(SIZE, np.float32)
    for top, left, bottom, right in boxes:
        ink[top:bottom, left:right] = strength
    return ink


def found(ink: Ink, spec: WritingSpec = SPEC) -> Marks:
    marks = marks_of(ink, spec)
    assert marks is not None
    return marks


def test_one_mark_is_the_digit() -> None:
    marks = found(inked(BAR))
    assert marks.box == Box(*BAR)
    assert (marks.box.height, marks.box.width) == (60, 10)
    assert (marks.kept == (inked(BAR) > 0)).all()
    assert not marks.several
    assert 0.9 < marks.clarity <= 1


def test_without_strong_ink_there_is_none() -> None:
    assert marks_of(inked(), SPEC) is None
    assert marks_of(inked(BAR, strength=0.5), SPEC) is None  # above weak, below strong


def test_weak_ink_counts_where_it_touches_strong_ink() -> None:
    faded, apart = (130, 140, 150, 150), (20, 20, 40, 30)
    marks = found(np.maximum(inked(BAR), inked(faded, apart, strength=0.5)))
    assert marks.box == Box(70, 140, 150, 150)
    assert not marks.several


def test_what_lies_near_belongs_to_it_and_what_is_small_or_far_does_not() -> None:
    near, speck, far = (70, 155, 78, 185), (100, 155, 102, 157), (20, 20, 28, 50)
    assert found(inked(BAR, near)).box == Box(70, 140, 130, 185)
    assert found(inked(BAR, speck)).box == Box(*BAR)
    marks = found(inked(BAR, far))
    assert marks.box == Box(*BAR)
    assert not marks.kept[20:28, 20:50].any()


def test_a_mark_reaches_on_from_what_it_has_gathered() -> None:
    steps = [(70, 150 + 20 * step, 78, 165 + 20 * step) for step in range(4)]  # each 5 pixels from the one before
    assert found(inked(BAR, *steps)).box == Box(70, 140, 130, 225)


@pytest.mark.parametrize("left", [20, 80, 220])
def test_a_second_mark_of_its_weight_makes_several(left: int) -> None:
    assert found(inked(BAR, (70, left, 130, left + 10))).several


def test_two_that_stand_side_by_side_are_several_though_they_are_gathered() -> None:
    marks = found(inked(BAR, (70, 158, 130, 168)))
    assert marks.box == Box(70, 140, 130, 168)
    assert marks.several


def test_a_bar_over_another_is_one_digit() -> None:
    marks = found(inked((70, 130, 80, 170), (87, 130, 97, 170)))  # such as the parts of a 5
    assert marks.box == Box(70, 130, 97, 170)
    assert not marks.several


def test_of_two_alike_the_one_in_the_middle_is_the_digit() -> None:
    assert found(inked(BAR, (5, 5, 65, 15))).box == Box(*BAR)


def test_a_soft_edged_shadow_is_less_plain_than_a_stroke() -> None:
    rows, columns = np.indices(SIZE)
    shadow = np.exp(-(((rows - 100) / 60) ** 2) - ((columns - 150) / 60) ** 2).astype(np.float32)
    assert found(shadow).clarity < 0.1 < found(inked(BAR)).clarity


@pytest.mark.parametrize("gap", [30, 60, 100])
def test_two_digits_are_warned_of_and_one_is_not(gap: int, rng: np.random.Generator) -> None:
    for label in range(10):
        first, second = draw.digit(label, 70, rng), draw.digit((label + 3) % 10, 70, rng)
        sheet = layout.placed(first, SIZE, 60, 50)
        assert prepare(png(layout.grey(sheet)), InputSpec()).warnings == ()
        left = 50 + first.shape[1] + gap
        sheet += layout.placed(second, SIZE, 60, left, ground=0, ink=-225)
        assert prepare(png(layout.grey(sheet)), InputSpec()).warnings == (Warned.SEVERAL_MARKS,)


def test_a_pen_that_skips_still_writes_one_digit(rng: np.random.Generator) -> None:
    for label in range(10):
        strokes = draw.digit(label, 90, rng)
        middle = strokes.shape[0] // 2
        strokes[middle - 3 : middle + 3] = 0
        prepared = prepare(png(layout.grey(layout.placed(strokes, SIZE, 60, 100))), InputSpec())
        assert prepared.warnings == ()
        assert layout.likeness(prepared.pixels[0], layout.naive(strokes)) > 0.85
