"""From ink to digits: loose strokes join their digit, and dirt goes."""

import numpy as np
import pytest

from models_store.pictures.many.pieces import Piece, neighbours, pieces, usual_height
from models_store.preparation import WritingSpec
from tests.support.layout import Grey

SPEC = WritingSpec()
Box = tuple[int, int, int, int]  # top, left, bottom, right


def ink(*blocks: Box, shape: tuple[int, int] = (120, 400)) -> Grey:
    """Blocks of full ink on empty paper."""
    page = np.zeros(shape, np.uint8)
    for top, left, bottom, right in blocks:
        page[top:bottom, left:right] = 255
    return page


def ring(top: int, left: int, height: int = 40, width: int = 28, pen: int = 6) -> tuple[Box, ...]:
    """The strokes of a square 0."""
    bottom, right = top + height, left + width
    return (
        (top, left, top + pen, right), (bottom - pen, left, bottom, right),
        (top, left, bottom, left + pen), (top, right - pen, bottom, right),
    )  # fmt: skip


def boxes(found: list[Piece]) -> list[Box]:
    return sorted((one.box.top, one.box.left, one.box.bottom, one.box.right) for one in found)


ROW = [*ring(40, 40), *ring(40, 100), *ring(40, 160)]
PLACES = [(40, 40, 80, 68), (40, 100, 80, 128), (40, 160, 80, 188)]


def test_nothing_written_is_no_digit() -> None:
    assert pieces(ink(), SPEC) == []
    assert usual_height(ink(), SPEC) is None


def test_each_digit_has_its_box_and_its_ink() -> None:
    page = ink(*ROW)
    found = pieces(page, SPEC)
    assert boxes(found) == PLACES
    for one in found:
        part = page[one.box.top : one.box.bottom, one.box.left : one.box.right]
        assert np.array_equal(one.strokes, part / np.float32(255))
        assert one.usual == 40


def test_a_digits_height_is_the_median_by_weight() -> None:
    assert usual_height(ink(*ROW), SPEC) == 40
    assert usual_height(ink(*ROW, (40, 220, 50, 228)), SPEC) == 40  # a spot weighs little


def test_a_bar_above_its_5_belongs_to_it_and_one_farther_off_does_not() -> None:
    body = ring(52, 220, height=28)
    assert (40, 220, 80, 248) in boxes(pieces(ink(*ROW, *body, (40, 224, 46, 248), (40, 220, 46, 224)), SPEC))
    far = boxes(pieces(ink(*ROW, *body, (26, 224, 32, 248)), SPEC))
    assert (52, 220, 80, 248) in far and len(far) == 4


@pytest.mark.parametrize(
    "dirt",
    [
        (74, 200, 80, 206),  # a point
        (58, 200, 63, 240),  # a dash
        (0, 300, 120, 310),  # the edge of the page
        (40, 300, 80, 340),  # a block of ink
    ],
)
def test_what_is_no_digit_is_left_out(dirt: Box) -> None:
    assert boxes(pieces(ink(*ROW, dirt), SPEC)) == PLACES


def test_a_printed_box_around_a_digit_is_none() -> None:
    around = ring(28, 85, height=64, width=58, pen=2)
    assert boxes(pieces(ink(*ROW, *around), SPEC)) == PLACES


def test_weak_ink_counts_where_it_touches_strong_ink_only() -> None:
    page = ink(*ROW)
    page[40:80, 188:194] = 255 * 45 // 100  # between the thresholds, beside the third digit
    page[40:80, 260:266] = 255 * 45 // 100
    assert boxes(pieces(page, SPEC)) == [*PLACES[:2], (40, 160, 80, 194)]


def test_neighbours_are_those_that_all_pairs_show(rng: np.random.Generator) -> None:
    """Of thousands of marks not every pair is looked at; which ones join must not depend on that."""
    marks = [(int(y), int(x), int(y) + int(h), int(x) + int(w)) for y, x, h, w in rng.integers(2, 500, (300, 4)) % 97]
    corners = np.array(marks, np.int64)
    for reach in (0.0, 3.5, 40.0):
        apart = np.maximum(corners[:, None, :2], corners[None, :, :2]) - np.minimum(
            corners[:, None, 2:], corners[None, :, 2:]
        )
        expected = np.nonzero(np.triu(apart.max(2) <= reach, 1))
        found = neighbours(corners, reach)
        assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
