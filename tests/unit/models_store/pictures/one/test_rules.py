"""Ruled and squared paper: its lines go, the digit stays."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from models_store.pictures.ground import Ink
from models_store.pictures.layout import centred
from models_store.pictures.one import writing
from models_store.pictures.one.rules import NONE, rules_in, without
from models_store.preparation import WritingSpec
from tests.support import layout
from training.synthetic import strokes as draw

SIZE = 200, 300
SPEC = WritingSpec()


def lined(pitch: int, thick: int = 2, both: bool = False) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, bool)
    for place in range(thick):
        mask[20 + place :: pitch] = True
        if both:
            mask[:, 15 + place :: pitch] = True
    return mask


def test_the_lines_of_ruled_paper_are_found_where_they_are() -> None:
    found = rules_in(lined(50))
    lines, heights = found.lines, {20, 70, 120, 170}
    assert len(lines) >= len(heights)
    assert 1 <= found.thick <= 3
    ends = lines[:, [1, 3]]
    assert np.abs(ends[:, 0] - ends[:, 1]).max() <= 2
    assert {min(heights, key=lambda height: abs(height - end)) for end in ends[:, 0]} == heights
    assert all(min(abs(height + 0.5 - end) for height in heights) < 2 for end in ends[:, 0])
    assert (np.abs(lines[:, 2] - lines[:, 0]) > 0.6 * SIZE[1]).all()


def test_squared_paper_has_lines_both_ways() -> None:
    lines = rules_in(lined(40, both=True)).lines
    across = np.abs(lines[:, 2] - lines[:, 0]) > np.abs(lines[:, 3] - lines[:, 1])
    assert 0 < across.sum() < len(lines)


@pytest.mark.parametrize(("rows", "found"), [(5, True), (2, False)])
def test_lines_that_are_cut_count_where_several_run_alike(rows: int, found: bool) -> None:
    mask = np.zeros(SIZE, bool)
    for top in range(20, 20 + 35 * rows, 35):
        mask[top : top + 2, 10:150] = True  # under six tenths of the width, as left of a digit
    assert (len(rules_in(mask).lines) >= rows) is found


@pytest.mark.parametrize(("left", "found"), [(4, True), (30, False)])
def test_a_line_that_ends_inside_the_picture_was_written(left: int, found: bool) -> None:
    mask = np.zeros(SIZE, bool)
    mask[150:153, left:260] = True  # the foot of a large 2
    mask[40:150, 250:254] = True
    assert (len(rules_in(mask).lines) > 0) is found


def test_bars_that_stand_on_a_line_side_by_side_are_print_and_one_is_none(rng: np.random.Generator) -> None:
    mask = np.zeros(SIZE, bool)
    mask[150:153] = True
    mask[90:150, 40:43] = True  # a 1
    alone = rules_in(mask)
    assert np.ptp(alone.lines[:, [1, 3]]) < 8
    mask[90:150, [120, 121, 122, 200, 201, 202]] = True  # boxes that the upper lines of are missing
    mask[95:140, 155:175] |= draw.digit(8, 45, rng)[:45, :20] > 0.5
    bars = rules_in(mask).lines
    upright = bars[np.abs(bars[:, 1] - bars[:, 3]) > 30]
    assert all((np.abs(upright[:, 0] - x) < 4).any() for x in (121, 201)) and (np.abs(upright[:, 0] - 165) > 15).all()


def test_no_digit_is_taken_for_lines(rng: np.random.Generator) -> None:
    for label in range(10):
        strokes = draw.digit(label, 90, rng)
        assert len(rules_in(layout.placed(strokes, SIZE, 60, 120, 0, 1) > 0.5).lines) == 0
    assert len(rules_in(np.zeros(SIZE, bool)).lines) == 0


def test_a_wide_bar_was_written() -> None:
    mask = np.zeros(SIZE, bool)
    mask[90:110, 10:290] = True
    assert len(rules_in(mask).lines) == 0


@pytest.fixture
def crossed() -> Ink:
    """Ruled paper with an upright stroke, which two of the lines cross at rows 70 and 120."""
    ink = lined(50).astype(np.float32) * 0.8
    ink[40:150, 144:156] = 1
    return ink


def test_lines_go_and_the_stroke_between_them_stays(crossed: Ink) -> None:
    left = without(crossed, rules_in(crossed > 0.35), SPEC.strong)
    assert left[:, :125].max() == 0 and left[:, 175:].max() == 0
    for rows in (slice(40, 62), slice(80, 112), slice(130, 150)):
        assert (left[rows, 144:156] == 1).all()
    assert (left <= crossed).all()


def test_a_stroke_that_crosses_a_line_is_mended(crossed: Ink) -> None:
    left = without(crossed, rules_in(crossed > 0.35), SPEC.strong)
    assert (left[45:145, 146:154] > 0.9).all()


def test_lines_are_where_they_were_in_a_part_that_is_enlarged() -> None:
    whole = dataclasses.replace(NONE, lines=np.array([[10, 50, 290, 52]], np.float32), thick=2.0)
    part = whole.seen_from(left=100, top=40, scale=2)
    assert part.lines.tolist() == [[-180, 20, 380, 24]]
    assert part.thick == 4


def test_where_there_are_no_lines_the_ink_stays_as_it_is(rng: np.random.Generator) -> None:
    ink = rng.random(SIZE, np.float32)
    assert without(ink, NONE, SPEC.strong) is ink


def test_a_line_that_is_all_that_was_written_stays() -> None:
    ink = np.zeros(SIZE, np.float32)
    ink[99:101, 10:290] = 1
    assert (without(ink, rules_in(ink > 0.35), SPEC.strong) == ink).all()


@pytest.mark.parametrize(
    ("pitch", "thick", "both", "tone"),
    [
        (60, 2, False, (150, 180, 220)),
        (25, 1, True, (170, 190, 220)),
        (100, 3, False, (210, 160, 170)),
    ],
)
def test_digits_are_read_off_printed_paper(
    pitch: int, thick: int, both: bool, tone: layout.Colour, rng: np.random.Generator
) -> None:
    alike = []
    for label in range(10):
        strokes = draw.digit(label, 70, rng)
        plain = layout.coloured(strokes, SIZE, 60, 120)
        printed = np.where(lined(pitch, thick, both)[..., None], np.minimum(plain, np.array(tone, np.uint8)), plain)
        found = writing.find(printed, SPEC)
        assert found is not None and not found.several
        alike.append(layout.likeness(centred(found.strokes, 28, 28), layout.naive(strokes)))
    assert min(alike) > 0.85 and np.mean(alike) > 0.97
