"""The preparation `writing` on sheets, boards, cuts and nonsense, whose digits are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from models_store.pictures.layout import centred
from models_store.pictures.one import writing
from models_store.preparation import WritingSpec
from tests.support import layout
from tests.support.layout import Colour, Grey
from training.synthetic import strokes as draw

SPEC = WritingSpec()
SIZE = 200, 300
WHITE, BLACK = (250, 250, 250), (30, 30, 30)


def laid_out(picture: Grey) -> Grey:
    found = writing.find(picture, SPEC)
    assert found is not None and not found.several
    return centred(found.strokes, 28, 28)


def in_colour(levels: NDArray[np.floating]) -> Grey:
    """Grey levels [H, W] as a picture [H, W, 3]."""
    return np.repeat(layout.grey(levels)[..., None], 3, axis=2)


@pytest.fixture(params=range(10))
def strokes(request: pytest.FixtureRequest, rng: np.random.Generator) -> layout.Strokes:
    return draw.digit(request.param, 70, rng)


@pytest.fixture
def sheet(strokes: layout.Strokes) -> Grey:
    return layout.coloured(strokes, SIZE, 60, 120)


@pytest.mark.parametrize(
    ("ground", "ink"),
    [
        (WHITE, (30, 50, 160)),  # a blue pen
        ((30, 60, 170), (240, 220, 60)),  # yellow on blue
        ((250, 200, 205), (190, 30, 40)),  # red on pink: in red alone they hardly differ
        ((245, 238, 210), (120, 118, 115)),  # a pencil on old paper
        ((45, 60, 50), (220, 225, 215)),  # chalk
        ((0, 0, 0), (255, 255, 255)),
    ],
)
def test_ink_and_ground_of_any_colours(strokes: layout.Strokes, ground: Colour, ink: Colour) -> None:
    seen = laid_out(layout.coloured(strokes, SIZE, 60, 120, ground, ink))
    assert layout.likeness(seen, layout.naive(strokes)) > 0.98


def test_a_colour_that_is_as_bright_as_the_ground_is_seen(strokes: layout.Strokes) -> None:
    ground, ink = (120, 170, 120), (210, 124, 120)  # the same grey: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)
    assert abs(np.dot(np.subtract(ground, ink), (0.299, 0.587, 0.114))) < 1
    seen = laid_out(layout.coloured(strokes, SIZE, 60, 120, ground, ink))
    assert layout.likeness(seen, layout.naive(strokes)) > 0.98


def test_a_shadow_over_the_sheet_does_not_matter(sheet: Grey, strokes: layout.Strokes) -> None:
    falling = np.linspace(1, 0.5, 300) * np.linspace(1, 0.7, 200)[:, None]
    soft = np.tile(0.55 + 0.45 / (1 + np.exp((np.arange(300) - 150) / 8)), (200, 1))
    hard = np.where(np.arange(300) < 155, 1, 0.5) * np.ones((200, 1))  # all three go right through the digit
    for shadow in (falling, soft, hard):
        seen = laid_out(layout.grey(sheet * shadow[..., None]))
        assert layout.likeness(seen, layout.naive(strokes)) > 0.95


def test_grain_does_not_matter(sheet: Grey, strokes: layout.Strokes, rng: np.random.Generator) -> None:
    for grain in (rng.normal(0, 8, (*SIZE, 1)), rng.normal(0, 8, (*SIZE, 3))):
        assert layout.likeness(laid_out(layout.grey(sheet + grain)), layout.naive(strokes)) > 0.98


@pytest.mark.parametrize(("top", "left"), [(20, 40), (0, 60), (30, 0)])
def test_the_edge_of_the_page_on_a_dark_table_is_no_writing(strokes: layout.Strokes, top: int, left: int) -> None:
    table = np.full((*SIZE, 3), (60, 40, 30), np.uint8)
    page = layout.coloured(strokes, (170, 240), 50, 90, (245, 245, 240))
    table[top : top + 170, left : left + 240] = page
    assert layout.likeness(laid_out(table), layout.naive(strokes)) > 0.9


def test_a_mark_of_a_pixel_in_a_picture_of_a_few() -> None:
    """The part around it once had no column at all."""
    rng = np.random.default_rng(52)
    for _ in range(400):
        rows, columns = (int(side) for side in rng.integers(1, 16, 2))
        levels = rng.choice([0, 167], (rows, columns, 1), p=[0.6, 0.4]).astype(np.uint8)
        writing.find(np.repeat(levels, 3, 2), SPEC)
    first = np.random.default_rng(52).choice([0, 167], (2, 9, 1), p=[0.6, 0.4]).astype(np.uint8)
    writing.find(np.repeat(first, 3, 2), SPEC)


@pytest.mark.parametrize("pen", [0.1, 0.14, 0.18])
@pytest.mark.parametrize("height", [24, 60, 200])
def test_a_tight_cut_and_thick_strokes(rng: np.random.Generator, height: int, pen: float) -> None:
    for label in range(10):
        near = draw.digit(label, height, rng, pen=pen)
        frame = near.shape[0] + 8, near.shape[1] + 8
        assert layout.likeness(laid_out(layout.coloured(near, frame, 4, 4)), layout.naive(near)) > 0.85


def test_strokes_may_touch_the_frame(rng: np.random.Generator) -> None:
    for label in range(10):
        near = draw.digit(label, 70, rng)
        assert layout.likeness(laid_out(layout.coloured(near, near.shape, 0, 0)), layout.naive(near)) > 0.85


def test_a_small_digit_far_off_is_found(rng: np.random.Generator) -> None:
    for label in range(10):
        far = draw.digit(label, 100, rng)
        place = 1500 - far.shape[0] - 60, 2000 - far.shape[1] - 60
        assert layout.likeness(laid_out(layout.coloured(far, (1500, 2000), *place)), layout.naive(far)) > 0.95


def test_light_on_dark_is_read_as_dark_on_light(sheet: Grey) -> None:
    assert layout.likeness(laid_out(255 - sheet), laid_out(sheet)) > 0.97


def test_the_same_picture_gives_the_same_pixels(sheet: Grey) -> None:
    before = sheet.copy()
    assert (laid_out(sheet) == laid_out(sheet.copy(order="F"))).all()
    assert (sheet == before).all()


@pytest.mark.parametrize("level", [0, 1, 60, 128, 254, 255])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (5, 9), (28, 28), (200, 300), (3, 3000), (8192, 2)])
def test_an_even_ground_holds_nothing(size: tuple[int, int], level: int) -> None:
    assert writing.find(np.full((*size, 3), level, np.uint8), SPEC) is None


@pytest.mark.parametrize("darkest", [0.9, 0.8, 0.7, 0.5])
@pytest.mark.parametrize("level", [60, 250])
def test_an_empty_sheet_in_uneven_light_holds_nothing(level: int, darkest: float) -> None:
    lit = np.tile(np.linspace(level, level * darkest, 300), (200, 1))
    for turned in (lit, lit[:, ::-1], lit.T, lit.T[::-1]):
        assert writing.find(in_colour(turned), SPEC) is None


@pytest.mark.parametrize(
    ("level", "deviation"),
    [
        *((level, deviation) for level in (60, 128, 230) for deviation in (2, 6)), (128, 10), (230, 10), (230, 15),
        (60, 10), (60, 15),
        (128, 15),
    ],
)  # fmt: skip
def test_grain_alone_holds_nothing(level: int, deviation: float) -> None:
    for seed in range(4):
        grain = np.random.default_rng(seed).normal(0, deviation, (*SIZE, 3 if seed % 2 else 1))
        assert writing.find(layout.grey(level + np.broadcast_to(grain, (*SIZE, 3))), SPEC) is None


def test_strokes_are_cut_to_what_was_written() -> None:
    sheet = np.full((100, 100, 3), 255, np.uint8)
    sheet[20:80, 44:56] = 0
    found = writing.find(sheet, SPEC)
    assert found is not None
    height, width = found.strokes.shape
    assert height / width == pytest.approx(60 / 12, rel=0.1)
    assert found.strokes.dtype == np.float32
    assert found.strokes.min() >= 0 and found.strokes.max() == 1


@pytest.mark.parametrize(("ground", "pen", "contrast"), [(200, 100, 0.5), (250, 25, 0.9), (100, 80, 0.2)])
def test_contrast_is_a_share_of_the_ground(ground: int, pen: int, contrast: float) -> None:
    sheet = np.full((100, 100, 3), ground, np.uint8)
    sheet[20:80, 44:56] = pen
    found = writing.find(sheet, SPEC)
    assert found is not None
    assert found.contrast == pytest.approx(contrast, abs=0.02)


sizes = st.tuples(st.integers(5, 60), st.integers(1, 60)) | st.sampled_from([(3, 3000), (2000, 1), (1, 700)])


@settings(max_examples=60, deadline=None)
@given(sizes.flatmap(lambda size: arrays.arrays(np.uint8, (*size, 3), fill=st.integers(0, 255))), st.booleans())
def test_no_picture_raises_and_what_is_found_is_ink(picture: Grey, coarse: bool) -> None:
    picture = np.where(picture > 127, np.uint8(255), np.uint8(0)) if coarse else picture
    found = writing.find(picture, SPEC)
    if found is not None:
        assert found.strokes.size and found.strokes.dtype == np.float32
        assert found.strokes.min() >= 0 and found.strokes.max() <= 1
        assert 0 < found.contrast <= 1
        assert centred(found.strokes, 28, 28).shape == (28, 28)


@pytest.mark.parametrize("size", [(5, 1), (2, 60), (40, 3), (90, 90), (3, 3000), (700, 500)])
def test_noise_of_any_size_raises_nothing(size: tuple[int, int], rng: np.random.Generator) -> None:
    for _ in range(3):
        found = writing.find(rng.integers(0, 256, (*size, 3), np.uint8), SPEC)
        assert found is None or 0 < found.contrast <= 1


def test_soft_blots_are_never_taken_for_the_paper_between_them(rng: np.random.Generator) -> None:
    """From close up nothing of them has an edge; what is there was seen from afar."""
    for _ in range(60):
        height, width = rng.integers(8, 29, 2).tolist()
        coarse = Image.fromarray(rng.integers(0, 256, rng.integers(2, 6, 2), np.uint8))
        blots = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
        found = writing.find(np.repeat(blots[..., None], 3, axis=2), SPEC)
        assert found is None or found.strokes.max() > SPEC.strong
