"""Which marks are the digit: ink made by hand, whose marks are known."""

import cv2
import numpy as np
import pytest

from models_store.pictures.ground import Ink
from models_store.pictures.marks import BoundingBox, Marks, marks_of
from models_store.pictures.prepare import prepare
from models_store.pictures.warnings import PictureWarning
from models_store.preparation import WritingSpec
from models_store.specs import InputSpec
from tests.support import layout
from tests.support.pictures import png
from training.synthetic import strokes as draw

SIZE = 200, 300
SPEC = WritingSpec()
Place = tuple[int, int, int, int]  # top, left, bottom, right


def seven(top: int, left: int) -> list[Place]:
    """A 7 of 60x40 pixels: a bar and an upright stroke."""
    return [(top, left, top + 10, left + 40), (top, left + 30, top + 60, left + 40)]


MIDDLE = seven(70, 130)


def inked(*places: Place, strength: float = 1.0) -> Ink:
    ink = np.zeros(SIZE, np.float32)
    for top, left, bottom, right in places:
        ink[top:bottom, left:right] = strength
    return ink


def marks_in(ink: Ink, spec: WritingSpec = SPEC) -> Marks | None:
    slope = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    return marks_of(ink, np.asarray(slope, np.float32), spec)


def found(ink: Ink, spec: WritingSpec = SPEC) -> Marks:
    marks = marks_in(ink, spec)
    assert marks is not None
    return marks


def test_one_mark_is_the_digit() -> None:
    marks = found(inked(*MIDDLE))
    assert marks.box == BoundingBox(70, 130, 130, 170)
    assert (marks.box.height, marks.box.width) == (60, 40)
    assert (marks.kept == (inked(*MIDDLE) > 0)).all()
    assert not marks.several
    assert 0.9 < marks.clarity <= 1


def test_without_strong_ink_there_is_none() -> None:
    assert marks_in(inked()) is None
    assert marks_in(inked(*MIDDLE, strength=0.5)) is None  # above weak, below strong


def test_weak_ink_counts_where_it_touches_strong_ink() -> None:
    faded = np.maximum(inked(*MIDDLE), inked((130, 160, 150, 170), strength=0.5))
    assert found(faded).box == BoundingBox(70, 130, 150, 170)


def test_what_lies_near_belongs_to_it_and_what_is_small_or_far_does_not() -> None:
    near, speck, far = (100, 174, 116, 180), (100, 174, 104, 176), (20, 20, 36, 26)
    assert found(inked(*MIDDLE, near)).box == BoundingBox(70, 130, 130, 180)
    assert found(inked(*MIDDLE, speck)).box == BoundingBox(70, 130, 130, 170)
    marks = found(inked(*MIDDLE, far))
    assert marks.box == BoundingBox(70, 130, 130, 170)
    assert not marks.kept[20:36, 20:26].any()


def test_a_mark_reaches_on_from_what_it_has_gathered() -> None:
    steps = [(100, 176 + 13 * step, 114, 183 + 13 * step) for step in range(4)]  # each 6 pixels from the one before
    assert found(inked(*MIDDLE, *steps)).box == BoundingBox(70, 130, 130, 222)


def test_a_level_bar_as_long_as_the_digit_is_print_beside_it() -> None:
    assert found(inked(*MIDDLE, (138, 120, 142, 180))).box == BoundingBox(70, 130, 130, 170)
    assert found(inked(*MIDDLE, (138, 140, 146, 160))).box == BoundingBox(70, 130, 146, 170)  # too short for that


@pytest.mark.parametrize("left", [20, 70, 230])
def test_a_second_mark_of_its_weight_makes_several(left: int) -> None:
    marks = found(inked(*MIDDLE, *seven(70, left)))
    assert marks.several
    assert marks.box == BoundingBox(70, 130, 130, 170)


def test_two_that_stand_side_by_side_are_several_though_they_are_gathered() -> None:
    marks = found(inked(*MIDDLE, *seven(70, 178)))
    assert marks.box == BoundingBox(70, 130, 130, 218)
    assert marks.several


def test_the_parts_of_one_digit_over_each_other_are_not_several() -> None:
    marks = found(inked(*seven(60, 130), (126, 135, 136, 160)))
    assert marks.box == BoundingBox(60, 130, 136, 170)
    assert not marks.several


def test_of_two_alike_the_one_in_the_middle_is_the_digit() -> None:
    assert found(inked(*MIDDLE, *seven(5, 5))).box == BoundingBox(70, 130, 130, 170)


def test_a_box_around_the_digit_is_none_of_it() -> None:
    frame = [(40, 90, 44, 210), (156, 90, 160, 210), (40, 90, 160, 94), (40, 206, 160, 210)]
    marks = found(inked(*MIDDLE, *frame))
    assert marks.box == BoundingBox(70, 130, 130, 170)
    assert not marks.several
    assert found(inked(*frame)).box == BoundingBox(40, 90, 160, 210)  # with nothing in it, it may be a 0


def test_a_blot_is_no_digit_where_there_is_another_mark() -> None:
    assert found(inked(*seven(10, 10), (90, 130, 130, 170))).box == BoundingBox(10, 10, 70, 50)


def test_what_the_frame_cuts_is_less_likely_than_what_is_whole() -> None:
    assert found(inked(*seven(70, 230), (0, 0, 200, 30))).box == BoundingBox(70, 230, 130, 270)


def test_a_soft_edged_shadow_is_less_plain_than_a_stroke() -> None:
    rows, columns = np.indices(SIZE)
    shadow = np.exp(-(((rows - 100) / 60) ** 2) - ((columns - 150) / 60) ** 2).astype(np.float32)
    assert found(shadow).clarity < 0.1 < found(inked(*MIDDLE)).clarity


@pytest.mark.parametrize("gap", [30, 60, 100])
def test_two_digits_are_warned_of_and_one_is_not(gap: int, rng: np.random.Generator) -> None:
    for label in range(10):
        first, second = draw.digit(label, 70, rng), draw.digit((label + 3) % 10, 70, rng)
        sheet = layout.placed(first, SIZE, 60, 50)
        assert prepare(png(layout.grey(sheet)), InputSpec()).warnings == ()
        left = 50 + first.shape[1] + gap
        sheet += layout.placed(second, SIZE, 60, left, ground=0, ink=-225)
        assert prepare(png(layout.grey(sheet)), InputSpec()).warnings == (PictureWarning.SEVERAL_MARKS,)


def test_a_pen_that_skips_still_writes_one_digit(rng: np.random.Generator) -> None:
    for label in range(10):
        strokes = draw.digit(label, 90, rng)
        middle = strokes.shape[0] // 2
        strokes[middle - 3 : middle + 3] = 0
        prepared = prepare(png(layout.grey(layout.placed(strokes, SIZE, 60, 100))), InputSpec())
        assert prepared.warnings == ()
        assert layout.likeness(prepared.pixels[0], layout.naive(strokes)) > 0.85


def test_ink_without_any_edge_is_the_heaviest_mark_and_not_plain() -> None:
    ink = inked((20, 20, 40, 40), (80, 60, 160, 240))
    marks = marks_of(ink, np.zeros_like(ink), SPEC)
    assert marks is not None and marks.clarity == 0
    assert marks.box == BoundingBox(80, 60, 160, 240)
