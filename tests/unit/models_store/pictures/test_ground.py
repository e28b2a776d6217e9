"""From colours to ink: what each step gives for pictures whose ink is worked out by hand."""

import numpy as np
import pytest

from models_store.pictures import ground
from tests.support import layout

SIZE = 120, 160


def barred(paper: int, pen: int) -> layout.Grey:
    """A sheet with one upright stroke of 8x60 pixels in the middle."""
    sheet = np.full(SIZE, paper, np.uint8)
    sheet[30:90, 76:84] = pen
    return sheet


@pytest.mark.parametrize(
    ("paper", "pen", "dark", "taken"),
    [
        ((250, 250, 250), (30, 50, 160), True, (220, 200, 90)),
        ((250, 200, 205), (190, 30, 40), True, (60, 170, 165)),
        ((30, 60, 170), (240, 220, 60), False, (210, 160, 0)),
        ((45, 60, 50), (220, 225, 215), False, (175, 165, 165)),
    ],
)
def test_a_colour_weighs_what_the_pen_takes_from_it_or_adds(
    paper: layout.Colour, pen: layout.Colour, dark: bool, taken: layout.Colour
) -> None:
    sheet = layout.coloured(np.ones((60, 8), np.float32), SIZE, 30, 76, paper, pen)
    weights = ground.channels(sheet)[dark]
    assert weights.shape == (1, 3)
    assert weights[0] == pytest.approx(np.array(taken) / sum(taken), abs=0.02)


def test_without_any_ink_the_weights_are_finite_and_not_negative() -> None:
    for weights in ground.channels(np.full((*SIZE, 3), 77, np.uint8)).values():
        assert np.isfinite(weights).all() and (weights >= 0).all()


@pytest.mark.parametrize(
    ("paper", "pen", "dark", "share"), [(200, 100, True, 0.5), (250, 25, True, 0.9), (55, 155, False, 0.5)]
)
def test_ink_is_a_share_of_the_ground(paper: int, pen: int, dark: bool, share: float) -> None:
    sheet = barred(paper, pen)
    even = ground.even_ink(sheet, dark)
    assert even is not None
    for inked in (even, ground.ink_of(sheet, dark, 25)):
        assert inked.dark == dark
        assert inked.level == (paper if dark else 255 - paper)
        assert np.allclose(inked.ink[30:90, 76:84], share, atol=0.01)
        assert inked.ink[:, :60].max() < 0.01 and inked.ink[:, 100:].max() < 0.01


def test_on_a_black_ground_ink_is_measured_against_middle_grey() -> None:
    inked = ground.even_ink(barred(0, 60), dark=False)  # 255 - 0 = 255 is the ground, 60 less is the ink
    assert inked is not None and inked.ink.max() == pytest.approx(60 / 255, abs=0.01)
    light = np.full(SIZE, 254, np.uint8)  # 1 is its ground: two grey levels of grain would be all of that, twice
    light[::3, ::3] = 252
    assert ground.ink_of(light, False, 25).ink.std() < 0.01


def test_uneven_light_is_no_even_ground_but_ink_shows_in_it() -> None:
    falling = layout.grey(barred(240, 60) * np.linspace(1, 0.4, SIZE[1]))
    assert ground.even_ink(falling, dark=True) is None
    inked = ground.ink_of(falling, True, 25)
    assert np.allclose(inked.ink[35:85, 77:83], 0.75, atol=0.03)
    assert inked.ink[:, :60].max() < 0.1


def test_a_stroke_that_the_frame_cuts_is_ink_up_to_there() -> None:
    sheet = np.full(SIZE, 240, np.uint8)
    sheet[:, 76:84] = 60
    even = ground.even_ink(sheet, dark=True)
    assert even is not None and even.level == 240
    for inked in (even, ground.ink_of(sheet, True, 25)):
        assert np.allclose(inked.ink[:, 76:84], 0.75, atol=0.01)


def test_a_dark_table_beside_the_paper_is_no_ink() -> None:
    table = np.full(SIZE, 60, np.uint8)
    table[:, 50:] = 245
    assert ground.ink_of(table, True, 25).ink.max() < 0.3  # less than any ink that counts


def test_a_share_of_the_ink_is_below() -> None:
    ink = np.zeros((10, 10), np.float32)
    ink[0], ink[1] = 0.5, 1.0
    for share, value in ((0.5, 0), (0.85, 0.5), (0.95, 1.0)):
        assert ground.at_share(ink, share) == pytest.approx(value, abs=1 / 512)


def test_what_is_most_of_a_picture_is_its_ground() -> None:
    assert ground.is_mostly_light(barred(240, 20))
    assert not ground.is_mostly_light(barred(20, 240))


def test_sizes() -> None:
    picture = np.zeros((200, 300), np.uint8)
    assert ground.sized(picture, 300)[0] is picture
    small, scale = ground.sized(picture, 150)
    assert (small.shape, scale) == ((100, 150), 0.5)
    large, scale = ground.sized(np.zeros((10, 20), np.uint8), 128, least=96)
    assert (large.shape, scale) == ((48, 96), 4.8)
    assert ground.sized(np.zeros((1, 3000), np.uint8), 100)[0].shape == (1, 100)
