from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models_store.pictures.layout import lies_as_mnist
from models_store.pictures.prepare import as_given, in_mnists_format, prepare
from models_store.pictures.warnings import PictureWarning
from models_store.specs import InputSpec
from tests.support import layout
from tests.support.layout import Grey
from tests.support.pictures import encoded, png, saved
from training.synthetic import strokes as draw

SPEC = InputSpec()
DIGIT = InputSpec(preparation="digit")


def pixels(data: bytes, spec: InputSpec = SPEC) -> Grey:
    prepared = prepare(data, spec)
    assert prepared.warnings == ()
    assert prepared.pixels.dtype == np.uint8
    assert prepared.pixels.shape == (1, 28, 28)
    unit: Grey = prepared.pixels[0]
    return unit


def mean_difference(left: Grey, right: Grey) -> float:
    return float(np.abs(left.astype(int) - right).mean())


@pytest.fixture
def paper(rng: np.random.Generator) -> Grey:
    return draw.on_paper(3, rng)


@pytest.mark.parametrize(("form", "options"), [("WEBP", {"lossless": True}), ("BMP", {})])
def test_the_format_makes_no_difference(paper: Grey, form: str, options: dict[str, bool]) -> None:
    assert (pixels(encoded(paper, form, **options)) == pixels(png(paper))).all()


def test_sixteen_bits_are_scaled_and_not_clipped(paper: Grey) -> None:
    wide = paper.astype(np.uint16)
    assert (pixels(saved(Image.fromarray(wide * 257))) == pixels(png(paper))).all()
    assert mean_difference(pixels(saved(Image.fromarray(wide * 20 + 300))), pixels(png(paper))) < 1


@pytest.mark.parametrize("ink", [0, 100, 255])
def test_transparent_ground_contrasts_with_the_ink(paper: Grey, ink: int) -> None:
    level = Image.new("L", (300, 200), ink)  # under the transparent ground lies the ink's own colour
    alpha = Image.fromarray(layout.grey((255.0 - paper) * 255 / 225))
    hard = Image.fromarray((paper < 128).astype(np.uint8)).convert("P")
    hard.putpalette([ink] * 6)
    opaque = png(np.where(paper < 128, 0, 255).astype(np.uint8))
    same = (
        (saved(Image.merge("LA", (level, alpha))), png(paper)),
        (saved(Image.merge("RGBA", (level, level, level, alpha))), png(paper)),
        (saved(hard, transparency=0), opaque),
    )
    for transparent, laid in same:
        assert mean_difference(pixels(transparent, DIGIT), pixels(laid, DIGIT)) < 1
        # `writing` measures strokes in whole pixels, and light ones against another ground: one pixel wider or narrower
        assert layout.likeness(pixels(transparent), pixels(laid)) > 0.98


def test_a_cmyk_jpeg_is_no_negative(paper: Grey) -> None:
    colours = Image.fromarray(paper).convert("RGB")
    seen = pixels(saved(colours.convert("CMYK"), "JPEG", quality=95))
    assert mean_difference(seen, pixels(png(paper))) < 1


# EXIF 2.32, tag 274: where the picture's first stored row and column belong.
STORED = {
    2: lambda upright: upright[:, ::-1],  # top, right
    3: lambda upright: upright[::-1, ::-1],  # bottom, right
    4: lambda upright: upright[::-1],  # bottom, left
    5: lambda upright: upright.T,  # left, top
    6: lambda upright: upright[:, ::-1].T,  # right, top
    7: lambda upright: upright[::-1, ::-1].T,  # right, bottom
    8: lambda upright: upright[::-1].T,  # left, bottom
}


@pytest.mark.parametrize("orientation", STORED)
def test_pictures_are_turned_upright(paper: Grey, orientation: int) -> None:
    stored = np.ascontiguousarray(STORED[orientation](paper))
    exif = Image.Exif()
    exif[274] = orientation
    assert (pixels(png(stored, exif=exif)) == pixels(png(paper))).all()
    assert mean_difference(pixels(encoded(stored, "JPEG", quality=95, exif=exif)), pixels(png(paper))) < 1


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")  # Pillow's word, where we have no other
def test_a_broken_exif_block_is_passed_over(paper: Grey) -> None:
    broken = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01"
    assert (pixels(png(paper, exif=broken)) == pixels(png(paper))).all()


@pytest.mark.parametrize("size", [(2, 2), (8192, 2), (28, 28), (300, 200)])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP"])
def test_one_even_colour_is_blank(form: str, size: tuple[int, int]) -> None:
    for level in (0, 128, 255):
        prepared = prepare(saved(Image.new("L", size, level), form), SPEC)
        assert prepared.warnings == (PictureWarning.BLANK_IMAGE,)
        assert prepared.is_blank
        assert not prepared.pixels.any()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_nothing_but_transparency_is_blank(mode: str) -> None:
    assert prepare(saved(Image.new(mode, (50, 50))), SPEC).is_blank


def test_mnists_format_passes_bit_for_bit(rng: np.random.Generator) -> None:
    for label in range(10):
        unit = draw.unit(label, rng)
        assert (pixels(png(unit)) == unit).all()
        assert (pixels(encoded(unit, "BMP")) == unit).all()
    for side in range(4):  # ink up to the border
        unit = np.zeros((28, 28), np.uint8)
        unit[:26, 10:18] = rng.integers(1, 256, (26, 8))
        unit = np.rot90(unit, side).copy()
        assert (pixels(png(unit)) == unit).all()


def test_all_of_mnists_test_digits_pass_bit_for_bit(data_dir: Path) -> None:
    raw = (data_dir / "MNIST" / "raw" / "t10k-images-idx3-ubyte").read_bytes()
    pictures = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)
    assert len(pictures) == 10_000
    for unit in pictures:
        assert (pixels(png(unit)) == unit).all()


def test_rows_go_in_as_they_are_and_what_stands_out_from_nothing_is_blank(rng: np.random.Generator) -> None:
    rows = np.zeros((4, 3, 8, 9), np.uint8)
    rows[0], rows[1] = rng.integers(0, 256, (3, 8, 9)), 255
    rows[2, 1, 0, 0] = 24  # in one colour, as much as ink must have
    rows[3, :, 0, 0] = 23
    found = as_given(rows)
    np.testing.assert_array_equal(np.stack([one.pixels for one in found]), rows)
    assert [one.is_blank for one in found] == [False, True, False, True]
    assert as_given(rows[:0]) == []


@pytest.mark.parametrize("spec", [SPEC, DIGIT])
@pytest.mark.parametrize(("side", "top", "left"), [(14, 0, 0), (14, 14, 14), (10, 9, 9), (20, 8, 0), (8, 2, 18)])
def test_a_digit_elsewhere_in_28_pixels_is_a_picture_like_any_other(
    rng: np.random.Generator, spec: InputSpec, side: int, top: int, left: int
) -> None:
    for label in range(10):
        small = np.asarray(Image.fromarray(draw.unit(label, rng)[4:24, 4:24]).resize((side, side)))
        ground = np.zeros((28, 28), np.uint8)
        ground[top : top + side, left : left + side] = small
        large = np.asarray(Image.fromarray(small).resize((20, 20), Image.Resampling.BICUBIC))
        seen = prepare(png(ground), spec).pixels[0]
        assert lies_as_mnist(seen) and not (seen == ground).all()
        assert layout.likeness(seen, layout.naive((large / 255).astype(np.float32))) > 0.8


def test_a_grey_ground_of_28_pixels_is_a_picture_like_any_other(rng: np.random.Generator) -> None:
    unit = draw.unit(3, rng)
    assert layout.likeness(pixels(png((40 + unit * 0.8).astype(np.uint8))), unit) > 0.9


def test_a_digit_of_eight_pixels_is_laid_out_as_any_other() -> None:
    """scikit-learn's digit 741, which filled its picture so that its strokes were 0x0."""
    levels = [
        [0, 0, 3, 11, 0, 0, 0, 0], [0, 0, 9, 13, 0, 0, 0, 0], [0, 0, 15, 4, 0, 0, 0, 0], [0, 2, 15, 0, 1, 0, 0, 0],
        [0, 4, 15, 14, 16, 13, 2, 0], [0, 3, 16, 11, 3, 7, 12, 0], [0, 0, 13, 6, 3, 8, 14, 0],
        [0, 0, 4, 14, 16, 14, 7, 0],
    ]  # fmt: skip
    prepared = prepare(png(np.rint(np.array(levels) * 255 / 16).astype(np.uint8)), SPEC)
    assert not prepared.is_blank and lies_as_mnist(prepared.pixels[0])


def test_a_dark_digit_of_28_pixels_is_not_taken_for_mnists_format(rng: np.random.Generator) -> None:
    for label in range(10):
        unit = draw.unit(label, rng)
        assert layout.likeness(pixels(png(255 - unit)), unit) > 0.95


@pytest.mark.parametrize(
    ("ink", "warnings"), [(180, ()), (220, (PictureWarning.LOW_CONTRAST,)), (240, (PictureWarning.BLANK_IMAGE,))]
)
def test_faint_ink_is_warned_of(rng: np.random.Generator, ink: int, warnings: tuple[PictureWarning, ...]) -> None:
    faint = draw.on_paper(5, rng, ground=250, pen_grey=ink)
    assert prepare(png(faint), SPEC).warnings == warnings


@pytest.mark.parametrize("label", range(10))
def test_a_digit_anywhere_on_paper_gets_its_own_layout(rng: np.random.Generator, label: int) -> None:
    strokes = draw.digit(label, 80, rng)
    for top, left in ((8, 300 - strokes.shape[1] - 8), (200 - strokes.shape[0] - 8, 8)):
        paper = layout.grey(layout.placed(strokes, (200, 300), top, left))
        seen = pixels(png(paper))
        assert layout.likeness(seen, layout.naive(strokes)) > 0.97
        assert seen.max() == 255


def formerly(grey: Grey) -> tuple[bool, bool]:
    """Whether a picture passed untouched, and as a blank one, by the formula of former releases."""
    passes = bool(np.median(grey) == 0) and bool(grey.max() < 24 or lies_as_mnist(grey))
    return passes, passes and bool(grey.max() < 24)


def test_thousands_of_pictures_pass_untouched_or_not_as_formerly(rng: np.random.Generator) -> None:
    passed, blank = [], []
    for place, unit in enumerate(draw.units(per_digit=60, seed=6)[:, 0]):
        moved = np.roll(unit, rng.integers(-4, 5, 2), (0, 1))
        inked = np.where(rng.random((28, 28)) < rng.uniform(0.45, 0.55), np.maximum(unit, 1), unit).astype(np.uint8)
        full = np.zeros(28 * 28, np.uint8)
        full[rng.permutation(28 * 28)[: 388 + place % 9]] = rng.integers(1, 256)  # 391 are fewer than half by one
        faint = (unit * rng.uniform(0, 0.2)).astype(np.uint8)
        for grey in (unit, moved, inked, full.reshape(28, 28), faint, 255 - unit, np.maximum(unit, 1)):
            seen = in_mnists_format(grey)
            passed.append(seen is not None)
            blank.append(seen is not None and seen.is_blank)
            assert (passed[-1], blank[-1]) == formerly(grey)
            assert seen is None or np.array_equal(seen.pixels[0], grey)
    assert len(passed) == 4200 and 0.2 < np.mean(passed) < 0.8 and any(blank)


@pytest.mark.parametrize("level", [1, 23, 24, 255])
@pytest.mark.parametrize("count", [0, 1, 390, 391, 392, 393, 784])
def test_half_of_the_pixels_are_ground(level: int, count: int) -> None:
    """The median of 784 numbers is the mean of the two in the middle."""
    grey = np.zeros(28 * 28, np.uint8)
    grey[:count] = level
    seen = in_mnists_format(grey.reshape(28, 28))
    assert (seen is not None, seen is not None and seen.is_blank) == formerly(grey.reshape(28, 28))
    assert seen is None or count <= 391
