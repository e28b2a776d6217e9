"""Digits on pictures that people took: found on forms, boards and slanted lines, and nothing else with them."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from models_store.pictures.many import rows
from models_store.pictures.many.order import lines_of
from models_store.pictures.many.rows import FoundRows
from models_store.preparation import WritingSpec
from tests.support.layout import Grey
from tests.support.rows import Place, Sheet, boxed, combed, squared, written

SPEC = WritingSpec()


def found_on(levels: Grey) -> FoundRows:
    found = rows.find(np.repeat(levels[..., None], 3, axis=2), SPEC)
    assert found is not None
    return found


def places(found: FoundRows) -> list[Place]:
    """The digits' boxes in the given picture's pixels, in reading order."""
    boxes = [piece.box for piece in found.pieces]
    order = [i for line in lines_of(boxes) for number in line for i in number]
    sides = [(box.top, box.left, box.bottom, box.right) for box in (boxes[i] for i in order)]
    return [tuple(round(side / found.scale) for side in four) for four in sides]  # type: ignore[misc]


def overlap(one: Place, other: Place) -> float:
    """Intersection over union."""
    height, width = (min(one[i + 2], other[i + 2]) - max(one[i], other[i]) for i in (0, 1))
    both = max(0, height) * max(0, width)
    areas = [(bottom - top) * (right - left) for top, left, bottom, right in (one, other)]
    return both / (sum(areas) - both)


def check_found(levels: Grey, sheet: Sheet, least: float = 0.75) -> None:
    """Each digit where it was written, in its order, and nothing else."""
    found = places(found_on(levels))
    assert len(found) == len(sheet.places)
    for here, place in zip(found, sheet.places, strict=True):
        assert overlap(here, place) > least


@pytest.mark.parametrize("fall", [-0.15, 0.15])
def test_slanted_lines(rng: np.random.Generator, fall: float) -> None:
    sheet = written(["26058", "71934"], rng, fall=fall)
    check_found(sheet.levels, sheet)


@pytest.mark.parametrize("height", [22, 40, 90])
def test_small_and_large_digits_in_boxes(rng: np.random.Generator, height: int) -> None:
    sheet = boxed(written(["205839"], rng, height=height, gap=0.8), thick=max(1, height // 30))
    check_found(sheet.levels, sheet)


@pytest.mark.parametrize("printed", [boxed, combed, squared])
def test_what_a_form_has_printed_is_left_out(rng: np.random.Generator, printed: Callable[[Sheet], Sheet]) -> None:
    sheet = printed(written(["86093275"], rng, height=50, gap=0.7))
    check_found(sheet.levels, sheet)


def test_print_as_dark_as_a_pencil_that_crosses_the_digits_is_left_out(rng: np.random.Generator) -> None:
    sheet = written(["86093275"], rng, height=50, gap=0.7)
    thin = squared(Sheet(np.full_like(sheet.levels, 240), ()), pitch=40, grey=110).levels
    thick = np.minimum(thin, np.minimum(np.roll(thin, 1, 0), np.roll(thin, 1, 1)))
    check_found(np.minimum(sheet.levels, thick), sheet)


def test_turned_squared_paper(rng: np.random.Generator) -> None:
    sheet = squared(written(["380265"], rng, height=50, gap=0.5))
    height, width = sheet.levels.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 6, 1)
    turned = cv2.warpAffine(sheet.levels, turn, (width, height), flags=cv2.INTER_CUBIC, borderValue=240)
    assert len(places(found_on(np.asarray(turned, np.uint8)))) == 6


def test_dirt_points_and_dashes_are_no_digits(rng: np.random.Generator) -> None:
    sheet = written(["503827"], rng, gap=0.8)
    levels = sheet.levels.copy()
    for _, _, bottom, right in sheet.places[::2]:
        levels[bottom - 5 : bottom, right + 8 : right + 13] = 30
    top, left, bottom, _ = sheet.places[0]
    levels[(top + bottom) // 2 : (top + bottom) // 2 + 5, left - 45 : left - 12] = 30
    for y, x in rng.integers(5, min(levels.shape) - 5, (40, 2)):
        levels[y : y + 2, x : x + 2] = np.minimum(levels[y : y + 2, x : x + 2], 150)
    check_found(levels, sheet)


def test_light_ink_on_a_dark_board(rng: np.random.Generator) -> None:
    sheet = written(["4071", "62"], rng, ground=50, pen_grey=230)
    check_found(sheet.levels, sheet)


def test_a_shadow_makes_no_digit(rng: np.random.Generator) -> None:
    sheet = written(["58203", "917"], rng)
    x = np.arange(sheet.levels.shape[1]) + np.arange(sheet.levels.shape[0])[:, None]
    shade = 1 - 0.45 / (1 + np.exp(-(x - x.mean()) / 6))
    check_found((sheet.levels * shade).astype(np.uint8), sheet)


def test_a_broken_digit_is_one(rng: np.random.Generator) -> None:
    sheet = written(["0808"], rng, height=60)
    levels = sheet.levels.copy()
    for top, left, bottom, right in sheet.places[:2]:
        levels[(top + bottom) // 2 : (top + bottom) // 2 + 4, left:right] = 240  # the pen skipped
    check_found(levels, sheet)


def test_a_large_picture_is_looked_at_smaller_and_says_how_much(rng: np.random.Generator) -> None:
    sheet = written(["30517"], rng, height=200)
    found = found_on(sheet.levels)
    assert found.scale == pytest.approx(1024 / max(sheet.levels.shape))
    assert found.height == pytest.approx(200 * found.scale, rel=0.1)
    check_found(sheet.levels, sheet)


def test_contrast_is_how_far_the_ink_stands_out(rng: np.random.Generator) -> None:
    pale, plain = (written(["42"], rng, height=60, ground=200, pen_grey=grey) for grey in (120, 20))
    assert found_on(pale.levels).contrast == pytest.approx(80 / 200, abs=0.05)
    assert found_on(plain.levels).contrast == pytest.approx(180 / 200, abs=0.05)


@pytest.mark.parametrize("grain", [0, 4])
def test_where_nothing_is_written_nothing_is_found(rng: np.random.Generator, grain: int) -> None:
    bare = np.clip(np.full((300, 400, 3), 200.0) + grain * rng.normal(0, 1, (300, 400, 1)), 0, 255)
    assert rows.find(bare.astype(np.uint8), SPEC) is None


@pytest.mark.parametrize("shape", [(2, 2048), (5, 4000), (2, 8192), (8192, 8), (4000, 2), (1400, 2)])
def test_a_picture_as_thin_as_a_line_is_looked_at(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    """Scaled down, one pixel of it may be left, which has no half."""
    levels = np.where(rng.random(shape) < 0.1, 0, 255).astype(np.uint8)
    found = rows.find(np.repeat(levels[..., None], 3, axis=2), SPEC)
    assert found is None or found.contrast > 0


@pytest.mark.parametrize("pitch", [25, 50, 90])
def test_print_alone_is_seen_and_is_no_digit(pitch: int) -> None:
    found = found_on(squared(Sheet(np.full((600, 800), 240, np.uint8), ()), pitch=pitch).levels)
    assert found.pieces == [] and found.contrast > 0
