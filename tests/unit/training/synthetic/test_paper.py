"""Sheets, the lines printed on them and the table under them."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from training.synthetic import paper
from training.synthetic.paper import Plane

SHAPE = 120, 160
CORNERS = np.array([[60, 40], [100, 40], [100, 80], [60, 80]], np.float32)  # of an upright digit's frame, clockwise


def white() -> Plane:
    return np.full((*SHAPE, 3), 250, np.float32)


def changed(sheet: Plane) -> NDArray[np.bool_]:
    return np.asarray(np.abs(sheet - 250).max(2) > 1)


@pytest.mark.parametrize("seed", range(6))
def test_a_sheet_is_light_and_even_but_for_its_fibres(seed: int) -> None:
    sheet = paper.sheet(*SHAPE, np.random.default_rng(seed))
    assert sheet.shape == (*SHAPE, 3) and sheet.dtype == np.float32
    tone = sheet.mean((0, 1))
    assert 170 * 0.7 < tone.min() <= tone.max() < 253
    assert np.abs(sheet - tone).max() < 30  # at most six deviations of 5


def test_clouds_are_smooth_noise_of_deviation_about_1() -> None:
    noise = paper.clouds(200, 300, np.random.default_rng(0), 24)
    assert noise.shape == (200, 300)
    assert 0.6 < noise.std() < 1.2 and abs(noise.mean()) < 0.3
    assert np.abs(np.diff(noise, axis=1)).max() < 0.5  # cells are 12 pixels wide


def test_rules_run_along_and_squares_both_ways() -> None:
    for seed in range(4):
        ruled, squared = white(), white()
        paper.draw_lines(ruled, "ruled", 40, CORNERS, np.random.default_rng(seed))
        paper.draw_lines(squared, "squared", 40, CORNERS, np.random.default_rng(seed))
        along, across = changed(ruled).mean(1), changed(ruled).mean(0)
        assert along.max() == 1 and np.ptp(across) == 0  # whole rows of pixels, and nothing upright
        assert changed(squared).mean(1).max() == changed(squared).mean(0).max() == 1


def test_rules_are_as_far_apart_as_people_write_and_darker_than_the_paper() -> None:
    for seed in range(6):
        ruled = np.full((600, 160, 3), 250, np.float32)
        paper.draw_lines(ruled, "ruled", 40, CORNERS, np.random.default_rng(seed))
        begins = np.flatnonzero(np.diff(changed(ruled)[:, 0].astype(int)) == 1)
        pitches = np.diff(begins)
        assert np.ptp(pitches) <= 2
        unit = 40 / 1.4  # the bitmap's frame is 1.4 of the digit's height
        assert 0.9 * unit - 1 <= pitches.mean() <= 2.2 * unit + 1
        assert ruled.max() == 250


def test_lines_are_turned_as_the_digit_is() -> None:
    angle = math.radians(20)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]], np.float32)
    sheet = white()
    paper.draw_lines(sheet, "ruled", 40, (CORNERS - CORNERS.mean(0)) @ turn + CORNERS.mean(0), np.random.default_rng(2))
    y, x = np.nonzero(changed(sheet))

    def gathered(degrees: int) -> int:
        """The larger, the more of the ink lies in the same rows once it is turned back."""
        rows = y * math.cos(math.radians(degrees)) - x * math.sin(math.radians(degrees))
        return int((np.bincount((rows + 200).astype(int)) ** 2).sum())

    assert max(range(-90, 90), key=gathered) == 20


def test_the_table_is_beside_the_digit_and_never_under_it() -> None:
    seen = 0
    for seed in range(12):
        sheet = white()
        paper.lay_on_table(sheet, CORNERS, np.random.default_rng(seed))
        table = changed(sheet)
        seen += bool(table.any())
        assert not table[40:80, 60:100].any()
    assert seen >= 10


def test_a_digit_that_fills_the_picture_leaves_no_room_for_a_table() -> None:
    sheet = white()
    full = np.array([[5, 5], [155, 5], [155, 115], [5, 115]], np.float32)
    paper.lay_on_table(sheet, full, np.random.default_rng(0))
    assert not changed(sheet).any()
