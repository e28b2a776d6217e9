"""What forms have printed is found and taken out; what a pen wrote stays, also where it crosses a line."""

import cv2
import numpy as np
import pytest

from models_store.pictures.many.printed import Print, print_in, without_print
from models_store.preparation import WritingSpec
from tests.support.layout import Grey

SPEC = WritingSpec()
SHAPE = 200, 400
HEIGHT = 40.0  # of a digit


def page(level: int = 150) -> Grey:
    """Squared paper: lines of 2 pixels, 50 apart."""
    ink = np.zeros(SHAPE, np.uint8)
    for place in (0, 1):
        ink[25 + place :: 50] = ink[:, 25 + place :: 50] = level
    return ink


def with_digit(ink: Grey) -> Grey:
    """The same with a thick 0 between the lines and a 1 across one."""
    drawn = ink.copy()
    cv2.ellipse(drawn, (100, 50), (10, 16), 0, 0, 360, 255, 5)
    drawn[108:146, 200:206] = 255
    return drawn


def found(ink: Grey, height: float | None = HEIGHT) -> Print:
    printed = print_in(ink, height, SPEC)
    assert printed is not None
    return printed


def test_the_lines_are_found_where_they_are_and_nowhere_else() -> None:
    printed, lines = found(page()), page() > 0
    level = np.zeros(SHAPE, bool)
    level[25::50] = level[26::50] = True
    assert printed.across[level].mean() > 0.95
    assert printed.upright[lines & ~level].mean() > 0.95
    away = cv2.dilate(lines.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    assert not printed.across[away].any() and not printed.upright[away].any()


@pytest.mark.parametrize("height", [HEIGHT, None])
def test_where_nothing_is_printed_nothing_is_found(height: float | None) -> None:
    assert print_in(with_digit(np.zeros(SHAPE, np.uint8)), height, SPEC) is None
    assert print_in(np.zeros(SHAPE, np.uint8), height, SPEC) is None


def test_lines_go_and_the_digits_stay() -> None:
    ink = with_digit(page())
    rest = without_print(ink, found(ink))
    alone = with_digit(np.zeros(SHAPE, np.uint8))
    written = alone > 128
    assert (rest[written] > 128).mean() > 0.95
    near = cv2.dilate(written.astype(np.uint8), np.ones((7, 7), np.uint8)) == 1
    assert (rest[~near] > 0).mean() < 0.002
    assert (rest[125:127, 201:205] > 128).all()  # the 1 is mended where it crossed a line
    assert (rest <= ink).all()


def test_lines_that_were_all_that_was_written_stay() -> None:
    bar = np.zeros(SHAPE, np.uint8)
    bar[100:104, 20:380] = 255
    assert np.array_equal(without_print(bar, found(bar)), bar)


@pytest.mark.parametrize("degrees", [-8, 8])
def test_turned_paper_has_its_lines_found(degrees: int) -> None:
    turn = cv2.getRotationMatrix2D((200, 100), degrees, 1)
    turned = np.asarray(cv2.warpAffine(page(255), turn, SHAPE[::-1], flags=cv2.INTER_LINEAR), np.uint8)
    printed = found(turned)
    lines = turned > 200
    assert (printed.across | printed.upright)[lines].mean() > 0.9


def test_a_stroke_as_long_as_a_digit_is_written_and_a_longer_level_one_printed() -> None:
    strokes = np.zeros(SHAPE, np.uint8)
    strokes[100:103, 100:140] = 255  # as wide as a digit is tall
    assert print_in(strokes, HEIGHT, SPEC) is None
    strokes[100:103, 100:170] = 255
    assert found(strokes).across[101, 110:160].all()


def test_a_stroke_thicker_than_print_is_written() -> None:
    strokes = np.zeros(SHAPE, np.uint8)
    strokes[100:115, 50:350] = 255
    assert print_in(strokes, HEIGHT, SPEC) is None


def test_without_a_digits_height_only_lines_of_the_page_are_printed() -> None:
    strokes = np.zeros(SHAPE, np.uint8)
    strokes[100:103, 100:170] = 255
    assert print_in(strokes, None, SPEC) is None
    strokes[100:103, 100:250] = 255  # more than a quarter of the longer side
    assert found(strokes, None).across[101, 110:240].all()


def test_the_sides_of_a_box_around_a_digit_are_printed() -> None:
    box = np.zeros(SHAPE, np.uint8)
    cv2.rectangle(box, (100, 60), (160, 116), 255, 2)  # shorter sides than an upright rule's
    printed = found(box)
    assert printed.upright[70:106, 100].all() and printed.upright[70:106, 160].all()
