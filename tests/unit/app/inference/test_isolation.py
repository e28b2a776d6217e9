"""A row that a net raises for is NaN, and the others are what the net says."""

import cv2
import numpy as np
import pytest

from app.inference.isolation import isolated
from models_store.files import Pixels, Probabilities
from tests.unit.models_store.pictures.test_contained import out_of_memory

LABELS = 3


class Net:
    """Says in which of three pixels the light is, and raises where it is in none; remembers its batches."""

    def __init__(self, also_empty: Exception | None = None) -> None:
        self.batches: list[int] = []
        self._error = also_empty or ZeroDivisionError()
        self._empty = also_empty is not None

    def predict(self, pixels: Pixels) -> Probabilities:
        self.batches.append(len(pixels))
        bad = (pixels == 9).any((1, 2, 3)).any()
        if bad or (self._empty and len(pixels)):
            raise self._error
        found: Probabilities = np.eye(LABELS, dtype=np.float32)[pixels[:, 0, 0].argmax(1)]
        return found


def rows(*levels: int) -> Pixels:
    pixels = np.zeros((len(levels), 1, 1, 3), np.uint8)
    for i, level in enumerate(levels):
        pixels[i, 0, 0, i % 3] = level
    return pixels


def test_where_nothing_is_raised_the_net_computes_once() -> None:
    net = Net()
    assert np.array_equal(isolated(net.predict, LABELS)(rows(1, 1, 1)), np.eye(3))
    assert net.batches == [3]


@pytest.mark.parametrize("bad", [[0], [5], [127], [3, 4], [0, 64, 127]])
def test_others_are_computed(bad: list[int]) -> None:
    net = Net()
    found = isolated(net.predict, LABELS)(rows(*(9 if i in bad else 1 for i in range(128))))
    assert np.flatnonzero(np.isnan(found).all(1)).tolist() == bad
    good = [i for i in range(128) if i not in bad]
    assert found[good].argmax(1).tolist() == [i % 3 for i in good]
    assert len(net.batches) <= 2 + 16 * len(bad)  # halves, and an empty picture: no row by row


@pytest.mark.parametrize("error", [RuntimeError("the card is gone"), MemoryError()])
def test_where_an_empty_picture_fails_too_none_is_to_blame(error: Exception) -> None:
    net = Net(also_empty=error)
    with pytest.raises(type(error)):
        isolated(net.predict, LABELS)(rows(*[1] * 128))
    assert len(net.batches) < 12


def test_a_lack_of_memory_is_no_pictures_fault() -> None:
    def predict(pixels: Pixels) -> Probabilities:
        if pixels.any():
            out_of_memory()
        return np.zeros((len(pixels), LABELS), np.float32)

    with pytest.raises(cv2.error):
        isolated(predict, LABELS)(rows(1))
