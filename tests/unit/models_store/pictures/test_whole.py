"""The preparation `picture`: the whole picture, in colour or grey, in the model's shape."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models_store.pictures.decode import to_png
from models_store.pictures.prepare import prepare
from models_store.pictures.warnings import PictureWarning
from models_store.specs import InputSpec
from tests.support.pictures import encoded, png, saved
from tests.unit.models_store.pictures.test_prepare import STORED

Pixels = NDArray[np.uint8]
RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def spec(height: int = 32, width: int = 32, channels: int = 3) -> InputSpec:
    halves = (0.5,) * channels
    return InputSpec(channels=channels, height=height, width=width, mean=halves, std=halves, preparation="picture")


def seen(data: bytes, wanted: InputSpec | None = None) -> Pixels:
    wanted = wanted or spec()
    prepared = prepare(data, wanted)
    assert prepared.pixels.dtype == np.uint8
    assert prepared.pixels.shape == wanted.shape
    assert (prepare(data, wanted).pixels == prepared.pixels).all()
    return prepared.pixels


def stripes(*colours: tuple[int, ...], height: int = 100, each: int = 100) -> Pixels:
    """Upright stripes from left to right: [H, W, C]."""
    return np.repeat(np.repeat(np.array([colours], np.uint8), height, 0), each, 1)


def off(pixels: Pixels, colour: tuple[int, int, int]) -> int:
    """How far the pixels [C, ...] are from a colour at most."""
    return int(np.abs(pixels.reshape(3, -1).astype(int) - np.array(colour)[:, None]).max())


@pytest.fixture
def scene(rng: np.random.Generator) -> Pixels:
    """A smooth colour picture, 120 high and 160 wide."""
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((160, 120), Image.Resampling.BICUBIC))


def test_colours_and_corners_stay_where_they_are() -> None:
    top, bottom = stripes(RED, GREEN), stripes(BLUE, WHITE)
    pixels = seen(png(np.concatenate([top, bottom])))
    assert off(pixels[:, 1:14, 1:14], RED) < 8
    assert off(pixels[:, 1:14, 18:31], GREEN) < 8
    assert off(pixels[:, 18:31, 1:14], BLUE) < 8
    assert off(pixels[:, 18:31, 18:31], WHITE) < 8


def test_a_wide_picture_is_cut_at_both_sides_and_a_high_one_above_and_below() -> None:
    wide = stripes(RED, GREEN, BLUE)
    assert off(seen(png(wide))[:, :, 2:-2], GREEN) < 8
    assert off(seen(png(wide.transpose(1, 0, 2).copy()))[:, 2:-2], GREEN) < 8
    whole = seen(png(wide), spec(32, 96))
    assert off(whole[:, :, 2:30], RED) < 8
    assert off(whole[:, :, 66:94], BLUE) < 8


def test_a_picture_of_the_models_own_size_passes_untouched(rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert (seen(png(noise)) == noise.transpose(2, 0, 1)).all()
    grey = rng.integers(0, 256, (28, 28), dtype=np.uint8)
    grey[:20] = 0  # what the other preparation takes for a digit of MNIST's
    assert (seen(png(grey), spec(28, 28, channels=1)) == grey).all()


@pytest.mark.parametrize("side", [16, 300, 512])
def test_scaling_keeps_a_smooth_picture_and_draws_no_pattern(side: int) -> None:
    rows, columns = np.mgrid[0:400, 0:400] / 399
    ramp = (np.stack([rows, columns, 1 - rows], 2) * 255).round().astype(np.uint8)
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side
    expected = np.stack([rows, columns, 1 - rows]) * 255
    assert np.abs(seen(png(ramp), spec(side, side)) - expected).max() < 255 * 0.75 / min(side, 100) + 2
    checks = np.indices((400, 400)).sum(0) % 2 * 255
    assert np.abs(seen(png(checks.astype(np.uint8)), spec(40, 40)).astype(int) - 127).max() < 8


def test_large_and_tiny_pictures_become_the_same_shape(scene: Pixels) -> None:
    large = Image.fromarray(scene).resize((1600, 1200), Image.Resampling.BICUBIC)
    expected = seen(png(scene)).astype(int)
    for data in (saved(large, "JPEG", quality=95), saved(large), saved(large, "WEBP", quality=95)):
        assert np.abs(seen(data) - expected).mean() < 3
    assert seen(png(scene[:2, :2].copy()), spec(224, 224)).shape == (3, 224, 224)
    assert seen(saved(Image.new("RGB", (8192, 2), "red"))).shape == (3, 32, 32)


@pytest.mark.parametrize("alpha", [0, 128, 255])
def test_what_is_transparent_lies_on_white(alpha: int) -> None:
    glass = Image.new("RGBA", (50, 50), (*BLUE, alpha))
    through = round(255 * (1 - alpha / 255))
    assert off(seen(saved(glass)), (through, through, 255)) <= 1
    assert off(seen(saved(glass, "WEBP", lossless=True, exact=True)), (through, through, 255)) <= 1
    grey = seen(saved(Image.new("LA", (50, 50), (0, alpha))), spec(channels=1))
    assert np.abs(grey.astype(int) - through).max() <= 1


def test_a_transparent_colour_lends_nothing_to_its_neighbours() -> None:
    left, right = stripes((*WHITE, 255), (*BLACK, 0), each=97).swapaxes(0, 1).reshape(2, 97, 100, 4)
    picture = np.concatenate([left, right]).swapaxes(0, 1).copy()
    assert off(seen(png(picture)), WHITE) <= 1


def test_a_transparent_palette_lies_on_white() -> None:
    picture = Image.new("P", (40, 40), 0)
    picture.putpalette([*BLUE, *RED])
    picture.paste(1, (20, 0, 40, 40))
    pixels = seen(saved(picture, transparency=0))
    assert off(pixels[:, :, 1:14], WHITE) < 8
    assert off(pixels[:, :, 18:31], RED) < 8


@pytest.mark.parametrize("orientation", STORED)
def test_pictures_are_turned_upright(scene: Pixels, orientation: int) -> None:
    channels = [STORED[orientation](scene[:, :, channel]) for channel in range(3)]
    stored = np.ascontiguousarray(np.stack(channels, 2))
    exif = Image.Exif()
    exif[274] = orientation
    assert (seen(png(stored, exif=exif)) == seen(png(scene))).all()
    jpeg = seen(encoded(stored, "JPEG", quality=95, exif=exif))
    assert np.abs(jpeg.astype(int) - seen(png(scene))).mean() < 3


@pytest.mark.parametrize("kind", ["BMP", "WEBP", "JPEG"])
def test_the_format_makes_next_to_no_difference(scene: Pixels, kind: str) -> None:
    options: dict[str, int | bool] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(kind, {})  # type: ignore[assignment]
    assert np.abs(seen(encoded(scene, kind, **options)).astype(int) - seen(png(scene))).mean() < 3


def test_other_modes_are_read_as_their_colours(scene: Pixels) -> None:
    plain = seen(png(scene)).astype(int)
    image = Image.fromarray(scene)
    assert np.abs(seen(saved(image.convert("CMYK"), "JPEG", quality=95)) - plain).mean() < 3
    palette = image.quantize(255)
    assert (seen(saved(palette)) == seen(saved(palette.convert("RGB")))).all()
    bits = seen(saved(Image.fromarray(stripes(BLACK, WHITE, each=50)).convert("1")))
    assert off(bits[:, :, 1:14], BLACK) < 8
    assert off(bits[:, :, 18:31], WHITE) < 8


def test_a_grey_picture_has_three_equal_channels_and_sixteen_bits_are_scaled() -> None:
    levels = np.linspace(0, 255, 64).astype(np.uint8)[None].repeat(64, 0)
    pixels = seen(png(levels))
    assert (pixels[0] == pixels[1]).all() and (pixels[0] == pixels[2]).all()
    wide = Image.fromarray(levels.astype(np.uint16) * 257)
    assert (seen(saved(wide)) == pixels).all()
    assert (seen(saved(wide), spec(channels=1)) == pixels[:1]).all()


def test_a_grey_model_sees_the_brightness_of_colours() -> None:
    # ITU-R BT.601: 0.299 red + 0.587 green + 0.114 blue
    for colour, level in ((RED, 76), (GREEN, 150), (BLUE, 29), (WHITE, 255)):
        for kind in ("PNG", "JPEG"):
            pixels = seen(saved(Image.new("RGB", (40, 40), colour), kind, quality=100), spec(channels=1))
            assert np.abs(pixels.astype(int) - level).max() <= 2


def test_one_even_colour_is_blank_and_stays_that_colour() -> None:
    for kind in ("PNG", "JPEG", "WEBP", "BMP"):
        prepared = prepare(saved(Image.new("RGB", (300, 200), (200, 60, 30)), kind), spec())
        assert prepared.warnings == (PictureWarning.BLANK_IMAGE,)
        assert prepared.is_blank
        assert off(prepared.pixels, (200, 60, 30)) < 8
    assert prepare(saved(Image.new("RGBA", (50, 50))), spec()).is_blank


def test_two_colours_of_one_brightness_are_not_blank() -> None:
    picture = png(stripes((255, 0, 0), (0, 130, 0), each=50))
    assert prepare(picture, spec()).warnings == ()
    assert prepare(picture, spec(channels=1)).is_blank  # to a model that sees no colours


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_come_back_from_a_png(rng: np.random.Generator, channels: int) -> None:
    pixels = rng.integers(0, 256, (channels, 5, 7), dtype=np.uint8)
    image = np.asarray(Image.open(io.BytesIO(to_png(pixels))))
    assert image.shape == ((5, 7) if channels == 1 else (5, 7, 3))
    assert (image.reshape(5, 7, channels) == pixels.transpose(1, 2, 0)).all()
