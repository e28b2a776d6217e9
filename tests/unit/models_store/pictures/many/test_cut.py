"""What is too wide for one digit falls into parts."""

import numpy as np

from models_store.pictures.many.cut import cut
from models_store.pictures.many.pieces import Piece
from models_store.pictures.marks import BoundingBox

HEIGHT, PEN = 40, 6  # pixels


def piece(*rings: tuple[int, int], bridge: tuple[int, int] | None = None) -> Piece:
    """Square 0s from one column to another, and a bridge of four rows between two of them."""
    strokes = np.zeros((HEIGHT, max(right for _, right in rings)), np.float32)
    for left, right in rings:
        strokes[:, left:right] = 1
        strokes[PEN:-PEN, left + PEN : right - PEN] = 0
    if bridge is not None:
        strokes[18:22, slice(*bridge)] = 1
    return Piece(BoundingBox(100, 220, 100 + HEIGHT, 220 + strokes.shape[1]), strokes, HEIGHT)


def test_a_digit_stays_whole() -> None:
    whole = cut(piece((0, 28)))
    assert not whole.touching and whole.parts == ()


def test_two_that_touch_are_cut_where_the_least_ink_is_crossed() -> None:
    wide = cut(piece((0, 30), (34, 64), bridge=(30, 34)))
    assert (wide.box.left, wide.box.right) == (220, 284) and wide.touching
    left, right = wide.parts
    assert left.touching and right.touching
    assert 250 <= left.box.right <= 254 and 250 <= right.box.left <= 254
    assert left.strokes.sum() + right.strokes.sum() == wide.strokes.sum()


def test_a_digit_that_may_be_wide_has_parts_and_is_not_said_to_touch() -> None:
    wide = cut(piece((0, 38)))
    assert not wide.touching and len(wide.parts) == 2


def test_a_row_of_many_falls_into_as_many() -> None:
    rings = [(33 * i, 33 * i + 30) for i in range(8)]
    assert len(cut(piece(*rings)).parts) == round(rings[-1][1] / (0.75 * HEIGHT))
