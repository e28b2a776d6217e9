"""Connected ink: weak pixels count where they touch strong ones."""

import numpy as np

from models_store.pictures.hysteresis import components

INK = np.array(
    [
        [0.0, 0.5, 0.9, 0.0, 0.0, 0.5],
        [0.0, 0.5, 0.0, 0.0, 0.0, 0.4],
        [0.0, 0.0, 0.0, 0.2, 0.0, 0.0],
        [0.7, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.7, 0.0, 0.0, 0.0, 0.0],
    ],
    np.float32,
)


def test_each_mark_has_its_ink_its_box_and_its_strong_pixels() -> None:
    found = components(INK, weak=0.35, strong=0.6)
    first, faint, diagonal = (int(found.labels[place]) for place in ((0, 2), (0, 5), (3, 0)))
    assert found.labels[4, 1] == diagonal  # pixels that touch at a corner are one mark
    assert found.labels[2, 3] == found.labels[0, 0] == 0  # too faint, and the ground
    np.testing.assert_allclose(found.weights[[0, first, faint, diagonal]], [0, 1.9, 0.9, 1.4], rtol=1e-6)
    assert found.strong[[first, faint, diagonal]].tolist() == [1, 0, 2]
    assert found.stats[first, :4].tolist() == [1, 0, 2, 2]  # left, top, width, height


def test_bytes_are_shares_of_255() -> None:
    as_bytes = (INK * 255).round().astype(np.uint8)
    real, whole = components(INK, 0.35, 0.6), components(as_bytes, 0.35, 0.6, full=255)
    assert np.array_equal(real.labels, whole.labels)
    assert np.array_equal(real.strong, whole.strong)
    np.testing.assert_allclose(real.weights, whole.weights, atol=0.01)


def test_no_ink_is_no_mark() -> None:
    found = components(np.zeros((4, 5), np.float32), 0.35, 0.6)
    assert len(found.weights) == 1 and found.weights.sum() == 0
    assert not found.labels.any()
