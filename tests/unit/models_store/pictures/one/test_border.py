"""Lines along a picture's sides, as screenshots have."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models_store.pictures.layout import centred
from models_store.pictures.one import writing
from models_store.pictures.one.border import with_paper, without_border
from models_store.preparation import WritingSpec
from tests.support import layout
from training.synthetic.strokes import digit

SPEC = WritingSpec()
SIZE = 200, 300
Picture = NDArray[np.uint8]


@pytest.fixture(params=range(10))
def strokes(request: pytest.FixtureRequest, rng: np.random.Generator) -> layout.Strokes:
    return digit(request.param, 180, rng)


def framed(picture: Picture, colour: tuple[int, int, int], top: int, right: int, bottom: int, left: int) -> Picture:
    picture = picture.copy()
    height, width = picture.shape[:2]
    picture[:top] = picture[height - bottom :] = picture[:, :left] = picture[:, width - right :] = colour
    return picture


@pytest.mark.parametrize(("ground", "ink"), [((255, 255, 255), (20, 20, 230)), ((20, 10, 20), (250, 220, 60))])
def test_a_large_digit_in_a_frame_is_seen_as_without(
    strokes: layout.Strokes, ground: tuple[int, int, int], ink: tuple[int, int, int]
) -> None:
    plain = layout.coloured(strokes, SIZE, 8, 60, ground, ink)
    found, alone = writing.find(framed(plain, (130, 130, 130), 4, 4, 4, 4), SPEC), writing.find(plain[4:-4, 4:-4], SPEC)
    assert found is not None and alone is not None
    assert (centred(found.strokes, 28, 28) == centred(alone.strokes, 28, 28)).all()


def test_only_the_border_goes(rng: np.random.Generator) -> None:
    plain = rng.integers(200, 210, (*SIZE, 3)).astype(np.uint8)
    assert (without_border(plain) == plain).all()
    inner = without_border(framed(plain, (0, 0, 0), 3, 2, 1, 4))
    assert (inner == plain[3:-1, 4:-2]).all()


def test_a_soft_edge_goes_too() -> None:
    plain = np.full((*SIZE, 3), 220, np.uint8)
    plain[:2], plain[2] = 40, 130
    assert without_border(plain).shape == (197, 300, 3)


def test_wide_strips_ink_and_small_pictures_are_no_borders() -> None:
    plain = np.full((*SIZE, 3), 220, np.uint8)
    strip, inked, small, torn = plain.copy(), plain.copy(), plain[:14, :14].copy(), plain.copy()
    strip[:30] = 40  # a table
    inked[:3, 60:270] = 40  # a stroke that the frame cuts
    torn[:3], torn[3:] = 40, np.arange(300)[:, None] % 256  # no ground is inside it
    small[0] = 40
    for picture in (strip, inked, small, torn):
        assert without_border(picture).shape == picture.shape


@pytest.mark.parametrize("shape", [(8, 8), (5, 15), (15, 5), (2, 7), (1, 1)])
def test_a_tiny_picture_gets_paper_of_its_sides_colour(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), (250, 240, 200), np.uint8)
    picture[0, 0] = picture[shape[0] // 2, shape[1] // 2] = 9  # ink, and ink that touches the frame
    reach = max(1, round(max(shape) / 2))
    laid = with_paper(picture)
    assert laid.shape == (shape[0] + 2 * reach, shape[1] + 2 * reach, 3)
    assert (laid[reach:-reach, reach:-reach] == picture).all()
    if picture.size > 3:
        assert (laid[:reach] == (250, 240, 200)).all() and (laid[:, -reach:] == (250, 240, 200)).all()


def test_a_picture_with_room_for_paper_gets_none() -> None:
    picture = np.zeros((3, 16, 3), np.uint8)
    assert with_paper(picture) is picture
