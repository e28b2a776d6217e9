"""A sheet on a table: where it ends, and that its edge is no ink."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models_store.pictures.layout import centred
from models_store.pictures.one import writing
from models_store.pictures.one.sheet import parts_of
from models_store.preparation import WritingSpec
from tests.support import layout
from training.synthetic.strokes import digit

SIZE = 180, 240
SPEC = WritingSpec()
Grey = NDArray[np.uint8]


def on_table(page: NDArray[np.float64], corners: list[tuple[int, int]], table: float, rng: np.random.Generator) -> Grey:
    """A sheet with these corners (x, y) on a table of that grey level, a little blurred, with grain."""
    sheet = cv2.fillPoly(np.zeros(SIZE, np.uint8), [np.array(corners, np.int32)], 1)
    sharp = np.where(sheet == 1, page, table).astype(np.float32)
    return layout.grey(cv2.GaussianBlur(sharp, (0, 0), 1.0) + rng.normal(0, 2, SIZE))


CORNERS = {
    "one edge": [(-20, -20), (300, -20), (300, 130), (-20, 150)],
    "a corner": [(60, 30), (300, 45), (300, 300), (50, 300)],
    "a note": [(55, 20), (210, 30), (200, 165), (45, 150)],
    "a strip": [(-20, 20), (300, 30), (300, 140), (-20, 130)],
}


@pytest.mark.parametrize("table", [40.0, 110.0])
@pytest.mark.parametrize("name", CORNERS)
def test_a_sheet_is_told_from_the_table(name: str, table: float, rng: np.random.Generator) -> None:
    picture = on_table(np.full(SIZE, 220.0), CORNERS[name], table, rng)
    parts = parts_of(picture)
    assert parts is not None
    sheet = cv2.fillPoly(np.zeros(SIZE, np.uint8), [np.array(CORNERS[name], np.int32)], 1) == 1
    inner = cv2.erode(sheet.astype(np.uint8), np.ones((9, 9), np.uint8)) == 1
    outer = cv2.erode((~sheet).astype(np.uint8), np.ones((9, 9), np.uint8)) == 1
    assert len(np.unique(parts[inner])) == 1
    assert not np.isin(parts[outer], np.unique(parts[inner])).any()


def test_a_shadow_across_a_sheet_is_a_part_of_its_own(rng: np.random.Generator) -> None:
    page = np.full(SIZE, 220.0)
    page[:, 140:] *= 0.6
    parts = parts_of(on_table(page, CORNERS["one edge"], 30.0, rng))
    assert parts is not None
    assert len({int(parts[60, 60]), int(parts[60, 200]), int(parts[170, 120])}) == 3


@pytest.mark.parametrize("label", range(10))
def test_a_digit_is_no_sheet_however_bold(label: int, rng: np.random.Generator) -> None:
    strokes = digit(label, 120, rng)
    for bold in (1, 9, 13):
        wide = np.asarray(cv2.dilate(strokes, np.ones((bold, bold), np.uint8)), np.float32)
        page = layout.placed(wide, SIZE, 30, 60)
        assert parts_of(layout.grey(page)) is None


def test_even_light_and_light_that_falls_off_slowly_have_no_parts(rng: np.random.Generator) -> None:
    assert parts_of(np.full(SIZE, 200, np.uint8)) is None
    assert (
        parts_of(layout.grey(np.linspace(80, 230, SIZE[1])[None].repeat(SIZE[0], 0) + rng.normal(0, 2, SIZE))) is None
    )
    assert parts_of(rng.integers(0, 256, SIZE, np.uint8)) is None


@pytest.mark.parametrize("name", CORNERS)
def test_the_digit_on_it_is_found_and_the_edge_is_not(name: str, rng: np.random.Generator) -> None:
    alike = []
    for label in range(10):
        strokes = digit(label, 45, rng)
        page = layout.placed(strokes, SIZE, 62, 100, 215, 70)
        picture = on_table(page, CORNERS[name], 45.0, rng)
        found = writing.find(picture[..., None].repeat(3, 2), SPEC)
        assert found is not None
        alike.append(layout.likeness(centred(found.strokes, 28, 28), layout.naive(strokes)))
    assert min(alike) > 0.8


def test_a_faint_digit_is_found_beside_a_dark_corner_and_a_punched_hole(rng: np.random.Generator) -> None:
    strokes = digit(5, 40, rng)
    page = layout.placed(strokes, SIZE, 60, 120, 215, 165)
    cv2.circle(page, (40, 90), 7, 60, -1)
    page[:14, :26] = 20
    picture = layout.grey(page + rng.normal(0, 1, SIZE))
    found = writing.find(picture[..., None].repeat(3, 2), SPEC)
    assert found is not None
    assert layout.likeness(centred(found.strokes, 28, 28), layout.naive(strokes)) > 0.8
