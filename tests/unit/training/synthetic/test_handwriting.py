"""Digits in many handwritings: in turn, the same for a seed, of other shapes than the usual ones, and readable."""

import numpy as np
import pytest

from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry
from tests.support.layout import centre_of_mass
from training.synthetic import handwriting, strokes


def test_they_come_in_turn_and_the_same_for_a_seed() -> None:
    drawn = handwriting.pictures(23, seed=4)
    assert drawn.shape == (23, 1, 28, 28) and drawn.dtype == np.uint8
    assert np.array_equal(drawn[:12], handwriting.pictures(12, seed=4))
    assert not np.array_equal(drawn, handwriting.pictures(23, seed=5))
    assert len({picture.tobytes() for picture in drawn}) == 23


def test_they_lie_as_digits_of_mnist_do() -> None:
    for picture in handwriting.pictures(60, seed=1)[:, 0]:
        rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
        assert centre_of_mass(picture) == pytest.approx((13.5, 13.5), abs=0.6)


def test_the_shipped_version_reads_most_of_them_as_what_they_are(registry: Registry) -> None:
    version = registry.resolve(Ref("digits"))
    answers = Model.load(version.folder, version.manifest).predict(handwriting.pictures(200, seed=2)).argmax(1)
    right = answers == np.arange(200) % 10
    assert right.mean() > 0.85
    assert min(right[label::10].mean() for label in range(10)) > 0.5


def test_they_differ_more_than_usual_digits_of_one_label_do() -> None:
    """A bare stroke for 1, a bar through 7: the mean deviation of a pixel is larger."""

    def spread(pictures: strokes.Grey) -> float:
        return float(pictures.astype(np.float64).std(0).mean())

    many = handwriting.pictures(200, seed=3)[:, 0]
    usual = strokes.units(20, seed=3)[:, 0].reshape(10, 20, 28, 28)
    assert sum(spread(many[label::10]) > spread(usual[label]) for label in range(10)) >= 9


def test_some_ones_have_a_foot_and_most_have_none() -> None:
    """One of their three shapes has one, half their height wide; a pen is a sixth of it at most."""

    def foot(one: strokes.Grey) -> int:
        low = np.flatnonzero(one.any(1))[-3:]
        return int((one[low] > 128).any(0).sum())

    with_foot = [foot(one) >= 8 for one in handwriting.pictures(300, seed=6)[1::10, 0]]
    assert 0.15 < np.mean(with_foot) < 0.55
