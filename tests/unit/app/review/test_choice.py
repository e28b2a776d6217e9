"""What a person is shown first: the least certain picture, then those that are not like it."""

import numpy as np
import pytest

from app.review.choice import sketch, spread
from training.synthetic import strokes


def dots(*columns: int) -> list[bytes]:
    """Sketches that are black but for one white cell: any two that differ lie equally far apart."""
    sketches = np.zeros((len(columns), 196), np.uint8)
    sketches[np.arange(len(columns)), columns] = 255
    return [one.tobytes() for one in sketches]


def test_thirty_copies_of_one_shape_do_not_hide_five_others(rng: np.random.Generator) -> None:
    shapes = strokes.units(1, 11)[:6]
    labels = [0] * 30 + [1, 2, 3, 4, 5]
    noisy = [np.clip(shapes[label] + rng.normal(0, 12, (1, 28, 28)), 0, 255).astype(np.uint8) for label in labels]
    confidences = list(rng.uniform(0.3, 0.5, 30)) + list(rng.uniform(0.5, 0.7, 5))  # the copies are the least certain
    order = rng.permutation(35)
    chosen = spread([confidences[i] for i in order], [sketch(noisy[i]) for i in order], 6)
    assert {labels[order[index]] for index in chosen} == {0, 1, 2, 3, 4, 5}


def test_the_order_counted_by_hand() -> None:
    # Two at one place, two at another, one alone. Distance 0 or the root of 2.
    chosen = spread([0.5, 0.4, 0.3, 0.6, 0.2], dots(0, 0, 1, 2, 1), 5)
    assert chosen == [4, 1, 3, 0, 2]  # .2; then .4 before .5 of the same place; .6 alone; then equals in their order


def test_doubt_weighs_distance() -> None:
    assert spread([0.1, 0.9, 0.2], dots(0, 1, 2), 2) == [0, 2]


def test_a_slow_way_gives_the_same(rng: np.random.Generator) -> None:
    points = rng.integers(0, 256, (40, 196), np.uint8)
    confidences = rng.uniform(0.1, 0.9, 40)
    slow = [int(np.argmin(confidences))]
    while len(slow) < 40:
        left = [i for i in range(40) if i not in slow]
        scores = [
            (1 - confidences[i]) * min(np.sqrt(((points[i] / 255 - points[j] / 255) ** 2).sum()) for j in slow)
            for i in left
        ]
        slow.append(left[int(np.argmax(scores))])
    assert spread(list(confidences), [point.tobytes() for point in points], 40) == slow


def test_more_is_asked_for_than_there_is() -> None:
    assert spread([], [], 20) == []
    assert spread([0.5], dots(3), 20) == [0]
    assert sorted(spread([0.5] * 5, dots(3, 3, 3, 3, 3), 20)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 8, 8), (3, 224, 300), (1, 14, 14), (1, 13, 512)])
def test_any_picture_has_196_bytes(shape: tuple[int, int, int]) -> None:
    assert sketch(np.full(shape, 77, np.uint8)) == bytes([77]) * 196


def test_a_sketch_is_the_mean_of_four_pixels_and_all_channels() -> None:
    pixels = np.zeros((3, 28, 28), np.uint8)
    pixels[0, 2:4, 4:6] = 120
    expected = np.zeros((14, 14), np.uint8)
    expected[1, 2] = 40
    assert sketch(pixels) == expected.tobytes()
