"""Digits drawn into pictures: the same for a seed, of every kind, and found there again."""

import collections
from collections.abc import Callable

import numpy as np
import pytest

from models_store.pictures.layout import centred
from models_store.pictures.one import writing
from models_store.preparation import WritingSpec
from tests.support import layout
from training.synthetic import photos
from training.synthetic.strokes import units

UNITS = units(per_digit=3, seed=11)[:, 0]


def test_the_same_seed_draws_the_same_picture_and_another_seed_another() -> None:
    first, again, other = (photos.photograph(UNITS[3], np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_bitmap_stays_as_it_was() -> None:
    before = UNITS.copy()
    for kind in photos.KINDS:
        photos.photograph(UNITS[0], np.random.default_rng(0), kind)
    assert np.array_equal(UNITS, before)


def test_the_kinds_come_as_often_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {kind: weight for kind, (_, weight) in photos.KINDS.items()}
    assert sum(kinds.values()) == pytest.approx(1)
    empty, drawn = np.zeros((9, 9, 3), np.uint8), collections.Counter[str]()

    def counting(kind: str) -> Callable[[photos.Bitmap, np.random.Generator], photos.Colour]:
        def count(bitmap: photos.Bitmap, rng: np.random.Generator) -> photos.Colour:
            drawn[kind] += 1
            return empty

        return count

    for kind, weight in kinds.items():
        monkeypatch.setitem(photos.KINDS, kind, (counting(kind), weight))
    rng = np.random.default_rng(9)
    for _ in range(2000):
        photos.photograph(UNITS[0], rng)
    assert {kind: drawn[kind] / 2000 for kind in kinds} == pytest.approx(kinds, abs=0.03)


@pytest.mark.parametrize("kind", photos.KINDS)
def test_sizes_and_types_of_every_kind(kind: str) -> None:
    rng = np.random.default_rng(5)
    for unit in UNITS[::5]:
        picture = photos.photograph(unit, rng, kind)
        assert picture.dtype == np.uint8
        assert picture.ndim == 3 and picture.shape[2] == 3
        assert min(picture.shape[:2]) >= 4
        assert 20 <= max(picture.shape[:2]) <= 640  # a scan is at most 400 high and 1.6 times as wide


@pytest.mark.parametrize("kind", [kind for kind in photos.KINDS if kind != "crop"])
def test_the_ink_is_where_it_was_written_and_not_all_over(kind: str) -> None:
    """The same seed with the digit and without it: what differs much is ink."""
    for seed, unit in enumerate(UNITS[::3]):
        written, empty = (
            photos.photograph(bitmap, np.random.default_rng(seed), kind).astype(np.float32).mean(2)
            for bitmap in (unit, np.zeros_like(unit))
        )
        inked = np.abs(written - empty) > 15
        assert 0.0005 < inked.mean() < 0.5
        assert np.median(np.abs(written - empty)) < 25


def test_a_tight_cut_leaves_little_beside_the_digit() -> None:
    for seed, unit in enumerate(UNITS):
        grey = photos.photograph(unit, np.random.default_rng(seed), "crop").astype(np.float32).mean(2)
        middle = (np.quantile(grey, 0.02) + np.quantile(grey, 0.98)) / 2
        share = min((grey > middle).mean(), (grey < middle).mean())
        assert 0.05 < share <= 0.5
        assert np.ptp(grey) > 60


@pytest.mark.parametrize("kind", photos.KINDS)
def test_the_digit_is_found_again_in_most_pictures(kind: str) -> None:
    spec = WritingSpec()
    alike = []
    for index, unit in enumerate(UNITS):
        found = writing.find(photos.photograph(unit, np.random.default_rng([7, index]), kind), spec)
        alike.append(0.0 if found is None else layout.likeness(centred(found.strokes, 28, 28), unit))
    assert np.quantile(alike, 0.15) > 0.6
    assert np.median(alike) > 0.85
