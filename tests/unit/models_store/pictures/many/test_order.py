import math

import numpy as np
import pytest

from models_store.pictures.many.order import around, lines_of
from models_store.pictures.marks import BoundingBox


def row(count: int, top: float = 100, left: float = 50, pitch: float = 30, fall: float = 0.0) -> list[BoundingBox]:
    """Boxes of 20x40 pixels in a line."""
    places = [(top + fall * pitch * k, left + pitch * k) for k in range(count)]
    return [BoundingBox(round(y), round(x), round(y) + 40, round(x) + 20) for y, x in places]


def test_nothing_has_no_lines() -> None:
    assert lines_of([]) == []


def test_one_box_is_a_number() -> None:
    assert lines_of(row(1)) == [[[0]]]


def test_a_row_is_read_from_left_to_right_in_whatever_order_it_comes(rng: np.random.Generator) -> None:
    boxes = row(12)
    shuffled = rng.permutation(12)
    assert lines_of([boxes[i] for i in shuffled]) == [[np.argsort(shuffled).tolist()]]


@pytest.mark.parametrize("degrees", [-10, -5, 0, 5, 10])
def test_lines_that_climb_or_fall_stay_apart(degrees: int) -> None:
    fall = math.tan(math.radians(degrees))
    boxes = [box for k in range(3) for box in row(12, top=300 + 80 * k, fall=fall)]
    assert lines_of(boxes) == [[list(range(12 * k, 12 * k + 12))] for k in range(3)]


def test_a_gap_much_wider_than_the_usual_one_parts_numbers() -> None:
    boxes = row(3) + row(4, left=200) + row(2, left=400)
    assert lines_of(boxes) == [[[0, 1, 2], [3, 4, 5, 6], [7, 8]]]


def test_the_even_gaps_of_a_form_part_nothing() -> None:
    assert lines_of(row(8, pitch=70)) == [[list(range(8))]]


def test_a_narrow_one_in_a_form_parts_nothing() -> None:
    boxes = row(8, pitch=60)
    boxes[3] = BoundingBox(100, 237, 140, 243)  # a 1 in the middle of its cell
    assert lines_of(boxes) == [[list(range(8))]]


def test_higher_and_lower_digits_of_a_line_stay_in_it() -> None:
    boxes = row(6)
    boxes[2] = BoundingBox(112, 110, 140, 130)  # lower than its neighbours, on the same ground
    boxes[4] = BoundingBox(92, 170, 138, 190)
    assert lines_of(boxes) == [[list(range(6))]]


def test_lines_come_from_top_to_bottom_even_where_they_begin_elsewhere() -> None:
    boxes = row(3, top=200, left=50) + row(4, top=100, left=300)
    assert lines_of(boxes) == [[[3, 4, 5, 6]], [[0, 1, 2]]]


def test_around_has_all_of_them_inside() -> None:
    assert around([BoundingBox(5, 10, 20, 30), BoundingBox(2, 25, 18, 60)]) == BoundingBox(2, 10, 20, 60)


def test_a_page_of_dirt_has_each_mark_once(rng: np.random.Generator) -> None:
    """As many as a page of noise leaves."""
    corners = rng.integers(0, 1000, (2000, 2))
    found = lines_of([BoundingBox(y, x, y + 9, x + 7) for y, x in corners.tolist()])
    assert sorted(i for line in found for number in line for i in number) == list(range(2000))


def test_a_line_goes_on_from_its_last_three() -> None:
    """It bends upwards, farther in all than two lines are apart."""
    boxes = [BoundingBox(round(200 - k**2 / 5), 30 * k, round(240 - k**2 / 5), 30 * k + 20) for k in range(14)]
    assert boxes[-1].bottom < boxes[0].top + 10
    assert len(lines_of(boxes)) == 1
