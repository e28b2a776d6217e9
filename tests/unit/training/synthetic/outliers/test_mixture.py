"""Pictures that are no digits, mixed: the same for a seed, and made of the digits that are given."""

import numpy as np

from training.synthetic.outliers import mixture


def test_the_same_seed_draws_the_same_outliers_and_another_seed_others() -> None:
    first, again, other = (mixture.outliers(64, seed) for seed in (3, 3, 4))
    assert first.shape == (64, 1, 28, 28)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_more_of_them_begin_with_the_same_ones() -> None:
    assert np.array_equal(mixture.outliers(40, 3)[:20], mixture.outliers(20, 3))
    assert mixture.outliers(0, 3).shape == (0, 1, 28, 28)


def test_none_is_blank_and_no_two_are_alike() -> None:
    drawn = mixture.outliers(200, 5)
    assert all(picture.max() > 128 for picture in drawn)
    assert len({picture.tobytes() for picture in drawn}) == 200


def test_the_digits_given_are_the_ones_that_are_spoiled() -> None:
    noise = np.random.default_rng(8).integers(0, 2, (20, 20)) * 255
    mine = np.zeros((1, 1, 28, 28), np.uint8)
    mine[0, 0, 4:24, 4:24] = noise
    assert not np.array_equal(mixture.outliers(60, 9, mine), mixture.outliers(60, 9))
