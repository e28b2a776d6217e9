from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models_store.pictures.layout import centred
from models_store.pictures.prepare import prepare
from models_store.pictures.release_0_1 import digit
from models_store.specs import InputSpec
from tests.conftest import FIXTURES
from tests.support import layout
from tests.support.layout import Grey
from tests.support.pictures import png
from training.synthetic import strokes as draw

Levels = NDArray[np.float64]


def laid_out(levels: Levels) -> Grey:
    found = digit.find(layout.grey(levels))
    assert found is not None
    return centred(found.strokes, 28, 28)


@pytest.fixture(params=range(10))
def strokes(request: pytest.FixtureRequest, rng: np.random.Generator) -> layout.Strokes:
    return draw.digit(request.param, 70, rng)


@pytest.fixture
def sheet(strokes: layout.Strokes) -> Levels:
    return layout.placed(strokes, (200, 300), 110, 125)


def test_light_on_dark_is_read_as_dark_on_light(sheet: Levels) -> None:
    assert layout.likeness(laid_out(255 - sheet), laid_out(sheet)) > 0.99


def test_a_shadow_over_the_sheet_does_not_matter(sheet: Levels, strokes: layout.Strokes) -> None:
    falling = np.linspace(1, 0.5, 300) * np.linspace(1, 0.7, 200)[:, None]
    edge = 0.55 + 0.45 / (1 + np.exp((np.arange(300) - 150) / 8))  # right through the digit
    for shadow in (falling, edge):
        assert layout.likeness(laid_out(sheet * shadow), layout.naive(strokes)) > 0.98
    assert layout.likeness(laid_out((255 - sheet) * falling + 10), layout.naive(strokes)) > 0.98


def test_grain_does_not_matter(sheet: Levels, strokes: layout.Strokes, rng: np.random.Generator) -> None:
    assert layout.likeness(laid_out(sheet + rng.normal(0, 5, sheet.shape)), layout.naive(strokes)) > 0.98


def test_dust_is_left_out(sheet: Levels) -> None:
    dusty = sheet.copy()
    dusty[20:26, 270:276] = 30
    assert layout.likeness(laid_out(dusty), laid_out(sheet)) > 0.99


def test_the_box_is_20_and_the_centre_of_mass_is_in_the_middle(sheet: Levels) -> None:
    unit = laid_out(sheet)
    sides = np.ptp(np.flatnonzero(unit.any(1))) + 1, np.ptp(np.flatnonzero(unit.any(0))) + 1
    assert max(sides) == 20
    assert np.abs(np.subtract(layout.centre_of_mass(unit), 13.5)).max() < 1


def test_a_digit_far_off_in_a_large_picture_is_found(rng: np.random.Generator) -> None:
    for label in range(10):
        far = draw.digit(label, 170, rng)
        sheet = layout.placed(far, (1500, 2000), 1500 - far.shape[0] - 60, 2000 - far.shape[1] - 60)
        assert layout.likeness(laid_out(sheet), layout.naive(far)) > 0.95


def test_a_digit_that_fills_its_frame_is_found(rng: np.random.Generator) -> None:
    for label in range(10):
        for height in (24, 60, 200):
            near = draw.digit(label, height, rng, pen=0.11)
            frame = near.shape[0] + 8, near.shape[1] + 8
            assert layout.likeness(laid_out(layout.placed(near, frame, 4, 4)), layout.naive(near)) > 0.9


@pytest.mark.parametrize("size", [(2, 2), (5, 9), (28, 28), (200, 300), (1000, 700), (3, 3000)])
def test_an_even_ground_holds_nothing(size: tuple[int, int]) -> None:
    for level in (0, 1, 20, 128, 254, 255):
        assert digit.find(np.full(size, level, np.uint8)) is None


@pytest.mark.parametrize("darkest", [0.9, 0.8, 0.7, 0.5])
def test_an_empty_sheet_in_uneven_light_holds_nothing(darkest: float) -> None:
    for level in (60, 250):
        lit = np.tile(np.linspace(level, level * darkest, 300), (200, 1))
        for turned in (lit, lit[:, ::-1], lit.T, lit.T[::-1]):
            assert digit.find(layout.grey(turned)) is None


@pytest.mark.parametrize(
    ("ground", "pen", "contrast"), [(200, 100, 0.5), (250, 25, 0.9), (100, 80, 0.2), (55, 155, 0.5)]
)
def test_contrast_is_a_share_of_the_ground(ground: int, pen: int, contrast: float) -> None:
    sheet = np.full((100, 100), ground, np.uint8)
    sheet[20:80, 45:55] = pen
    found = digit.find(sheet)
    assert found is not None
    assert found.contrast == pytest.approx(contrast, abs=0.02)


def test_strokes_are_cut_to_what_was_written() -> None:
    sheet = np.full((100, 100), 255, np.uint8)
    sheet[20:80, 45:55] = 0
    found = digit.find(sheet)
    assert found is not None
    assert found.strokes.shape == (60, 10)
    assert found.strokes.dtype == np.float32
    assert found.strokes.min() > 0.9
    assert found.strokes.max() == 1


def test_a_bar_is_laid_out_as_worked_out_by_hand() -> None:
    upright = centred(np.ones((60, 12), np.float32), 28, 28)  # a third of its size: 20 high, 4 wide
    expected = np.zeros((28, 28), np.uint8)
    expected[4:24, 12:16] = 255
    assert (upright == expected).all()
    assert (centred(np.ones((12, 60), np.float32), 28, 28) == expected.T).all()


def test_the_box_grows_with_the_picture() -> None:
    large = centred(np.ones((60, 60), np.float32), 56, 56)
    expected = np.zeros((56, 56), np.uint8)
    expected[8:48, 8:48] = 255
    assert (large == expected).all()


BY_RELEASE_0_1 = FIXTURES / "prepared_by_release_0_1.png"  # made by that release's own code, 8 in a row


def drawn() -> Iterator[Grey]:
    rng = np.random.default_rng(1)
    shadow = np.linspace(1, 0.5, 300) * np.linspace(1, 0.7, 200)[:, None]
    for label in range(10):
        plain = draw.on_paper(label, rng)
        yield plain
        yield draw.on_paper(label, rng, size=(90, 100), height=60, ground=20, pen_grey=210)
        yield draw.on_paper(label, rng, size=(900, 1200), height=110, ground=240, pen_grey=60)
        yield layout.grey(plain * shadow)


def test_pictures_are_prepared_as_release_0_1_did() -> None:
    expected = np.asarray(Image.open(BY_RELEASE_0_1)).reshape(5, 28, 8, 28).swapaxes(1, 2).reshape(40, 28, 28)
    spec = InputSpec(preparation="digit")
    for picture, unit in zip(drawn(), expected, strict=True):
        seen = prepare(png(picture), spec).pixels[0]
        assert np.abs(seen.astype(int) - unit).max() <= 2  # another CPU rounds differently
