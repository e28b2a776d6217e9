"""Boxes of forms, drawn with known lines: the lines go, what was written in them stays."""

from collections.abc import Iterable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models_store.pictures.layout import centred
from models_store.pictures.one import writing
from models_store.pictures.one.boxes import boxes_of
from models_store.preparation import WritingSpec
from tests.support import layout
from training.synthetic import strokes as draw

Grey = NDArray[np.uint8]
SPEC = WritingSpec()
SIDE = 80  # pixels of a box


def form(
    strokes: layout.Strokes,
    boxes: int = 4,
    written: Iterable[int] = (2,),
    corner: tuple[int, int] = (120, 60),
    size: tuple[int, int] = (300, 460),
    pen: int = 40,
    print_: int = 60,
    off: int = 0,
    thick: int = 2,
) -> Grey:
    """A row of boxes whose corner lies at (top, left), with a digit of 70 % of their height in some; `off`
    moves it down."""
    picture = np.full(size, 245, np.uint8)
    top, left = corner
    for i in range(boxes):
        cv2.rectangle(picture, (left + i * SIDE, top), (left + (i + 1) * SIDE, top + SIDE), print_, thick)
    for i in written:
        height, width = strokes.shape
        y, x = top + (SIDE - height) // 2 + off, left + i * SIDE + (SIDE - width) // 2
        place = picture[y : y + height, x : x + width]
        place[:] = np.where(strokes > 0.5, pen, place)
    return np.repeat(picture[..., None], 3, axis=2)


def seen(picture: Grey) -> Grey:
    found = writing.find(picture, SPEC)
    assert found is not None
    return centred(found.strokes, 28, 28)


def turned(picture: Grey, tilt: float) -> Grey:
    """As a camera sees it that is held at a slant."""
    height, width = picture.shape[:2]
    there = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = np.array([[tilt, 2 * tilt], [-tilt, 0], [0, -tilt], [2 * tilt, 0]], np.float32) * 10
    here = np.asarray(there + moved, np.float32)
    bent = cv2.warpPerspective(
        picture, cv2.getPerspectiveTransform(there, here), (width, height), borderValue=(245,) * 3
    )
    return np.asarray(bent, np.uint8)


@pytest.fixture(params=range(10))
def strokes(request: pytest.FixtureRequest, rng: np.random.Generator) -> layout.Strokes:
    return draw.digit(request.param, 56, rng)


@pytest.mark.parametrize("boxes", [1, 2, 5])
def test_a_digit_in_a_row_of_boxes_is_seen_as_if_alone(strokes: layout.Strokes, boxes: int) -> None:
    picture = form(strokes, boxes, [boxes - 1], corner=(120, 30))
    assert layout.likeness(seen(picture), layout.naive(strokes)) > 0.93


def test_a_form_from_the_side(strokes: layout.Strokes) -> None:
    assert layout.likeness(seen(turned(form(strokes), 1.2)), layout.naive(strokes)) > 0.8


def test_a_row_that_goes_on_outside_the_picture(strokes: layout.Strokes) -> None:
    for picture in (form(strokes, 8, [3], corner=(120, -70)), form(strokes, 4, [1], corner=(-8, 60), size=(260, 460))):
        assert layout.likeness(seen(picture), layout.naive(strokes)) > 0.85


@pytest.mark.parametrize("label", [3, 5, 6])
def test_boxes_so_far_off_that_only_a_closer_look_shows_them(rng: np.random.Generator, label: int) -> None:
    strokes = draw.digit(label, 56, rng)
    picture = form(strokes, 5, [3], corner=(700, 900), size=(1200, 1800))
    assert layout.likeness(seen(picture), layout.naive(strokes)) > 0.9


def test_a_pencil_is_seen_in_darker_print(strokes: layout.Strokes) -> None:
    for thick in (2, 4):
        assert layout.likeness(seen(form(strokes, pen=170, print_=20, thick=thick)), layout.naive(strokes)) > 0.9


@pytest.mark.parametrize("label", range(10))
def test_a_small_digit_in_a_large_box(rng: np.random.Generator, label: int) -> None:
    strokes = draw.digit(label, 32, rng)
    picture = form(strokes, 4, [1], corner=(300, 200), size=(600, 800))
    assert layout.likeness(seen(picture), layout.naive(strokes)) > 0.93


def test_a_form_on_ruled_paper(strokes: layout.Strokes) -> None:
    picture = form(strokes)
    picture[20::60] = np.minimum(picture[20::60], 150)
    assert layout.likeness(seen(picture), layout.naive(strokes)) > 0.85


@pytest.mark.parametrize("label", [0, 3, 6, 8])
def test_a_digit_that_stands_on_the_line_keeps_its_shape(rng: np.random.Generator, label: int) -> None:
    strokes = draw.digit(label, 56, rng)
    assert layout.likeness(seen(form(strokes, off=11)), layout.naive(strokes)) > 0.8


def test_two_written_boxes_are_several_marks(strokes: layout.Strokes) -> None:
    found = writing.find(form(strokes, written=[1, 2]), SPEC)
    assert found is not None and found.several


def test_lines_and_the_written_box_are_told(rng: np.random.Generator) -> None:
    mask = (form(draw.digit(3, 56, rng))[..., 0] < 128).astype(np.uint8)
    boxes = boxes_of(mask)
    ((box),) = boxes.corners
    assert np.abs(box.min(0) - (60 + 2 * SIDE, 120)).max() < 4
    assert np.abs(box.max(0) - (60 + 3 * SIDE, 120 + SIDE)).max() < 4
    upright = boxes.lines[np.abs(boxes.lines[:, 0] - boxes.lines[:, 2]) < 3]
    assert {round(x / SIDE, 1) for x in (upright[:, 0] - 60).tolist()} <= {
        i + part for i in range(5) for part in (0, 0.1)
    }
    assert len({round(x / SIDE) for x in (upright[:, 0] - 60).tolist()}) == 5


def test_nothing_is_a_box_that_holds_no_writing_or_is_open(rng: np.random.Generator) -> None:
    empty = (form(draw.digit(3, 56, rng), written=())[..., 0] < 128).astype(np.uint8)
    assert len(boxes_of(empty).corners) == 0
    whole = (form(draw.digit(3, 56, rng), 1, [0])[..., 0] < 128).astype(np.uint8)
    assert len(boxes_of(whole).corners) == 1
    whole[118:124, 70:130] = 0  # the middle of the upper side
    assert len(boxes_of(whole).corners) == 0


def test_squared_paper_has_no_boxes() -> None:
    mask = np.zeros((300, 300), np.uint8)
    mask[10::60] = mask[:, 10::60] = 1
    mask[80:120, 90:100] = 1
    assert len(boxes_of(mask).corners) == 0
    table = np.zeros((300, 300), np.uint8)
    table[40:222:60, 40:221] = table[40:221, 40:222:60] = 1
    table[110:150, 125:135] = 1
    assert len(boxes_of(table).corners) == 0


def test_a_row_that_is_open_on_two_sides_needs_the_lines_between_boxes(rng: np.random.Generator) -> None:
    """Two rules and a digit that touches both are ruled paper."""
    mask = np.zeros((100, 300), np.uint8)
    mask[20:22] = mask[80:82] = 1
    mask[22:80, 150:153] = 1  # a 1 from line to line
    strokes = draw.digit(3, 40, rng)
    mask[30 : 30 + strokes.shape[0], 160 : 160 + strokes.shape[1]] |= strokes > 0.5
    assert len(boxes_of(mask).corners) == 0


def test_no_digit_is_a_box(rng: np.random.Generator) -> None:
    for label in range(10):
        mask = layout.placed(draw.digit(label, 90, rng), (200, 300), 60, 120, 0, 1) > 0.5
        assert len(boxes_of(mask.astype(np.uint8)).corners) == 0
    assert len(boxes_of(np.zeros((200, 300), np.uint8)).corners) == 0
