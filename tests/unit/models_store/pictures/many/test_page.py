"""A whole page for a reader: its candidates in its own pixels, in reading order, cut where two may touch."""

import numpy as np
import pytest
from PIL import Image

from models_store.pictures.decode import open_picture
from models_store.pictures.many.page import MOST_DIGITS, DigitCandidate, PreparedPage, page_of
from models_store.pictures.prepare import prepare
from models_store.pictures.warnings import PictureWarning
from models_store.specs import InputSpec
from tests.support.layout import Grey, likeness
from tests.support.pictures import encoded, png, saved
from tests.support.rows import Place, Sheet, written
from training.synthetic import strokes

SPEC = InputSpec()


def page(data: bytes) -> PreparedPage:
    return page_of(open_picture(data, 16_000_000), SPEC)


def order(read: PreparedPage) -> list[int]:
    """The whole candidates in reading order."""
    sure = [1.0] * read.wholes + [0.0] * (len(read.candidates) - read.wholes)
    return [i for line in read.lines(sure) for number in line for i in number]


def overlap(found: DigitCandidate, place: Place) -> float:
    """Intersection over union."""
    box = found.box
    height = min(box.bottom, place[2]) - max(box.top, place[0])
    width = min(box.right, place[3]) - max(box.left, place[1])
    both = max(0, height) * max(0, width)
    return both / (box.height * box.width + (place[2] - place[0]) * (place[3] - place[1]) - both)


def check_found(read: PreparedPage, sheet: Sheet, least: float = 0.75) -> None:
    """Each digit where it was written, in its order, and nothing else."""
    found = order(read)
    assert len(found) == len(sheet.places)
    for i, place in zip(found, sheet.places, strict=True):
        assert overlap(read.candidates[i], place) > least


def test_lines_and_numbers_are_found_where_they_were_written(rng: np.random.Generator) -> None:
    sheet = written(["1907 365", "42", "80 6 215"], rng, space=1.6)
    read = page(png(sheet.levels))
    check_found(read, sheet)
    numbers = [[len(number) for number in line] for line in read.lines([1.0] * len(read.candidates))]
    assert numbers == [[4, 3], [2], [2, 1, 3]]
    assert read.warnings == ()
    assert (read.height, read.width) == sheet.levels.shape


def test_touching_digits_are_cut_and_say_so(rng: np.random.Generator) -> None:
    sheet = written(["3388"], rng, gap=-0.03, height=60)
    read = page(png(sheet.levels))
    whole = [c for c in read.candidates[: read.wholes] if c.parts]
    assert whole and all(c.touching for c in whole)
    sure = [0.2] * read.wholes + [0.9] * (len(read.candidates) - read.wholes)
    cut = [i for line in read.lines(sure) for number in line for i in number]
    assert len(cut) == 4
    assert sum(i >= read.wholes for i in cut) >= 2
    assert all(read.touches(i, sure) for i in cut if i >= read.wholes)


def test_a_wide_mark_that_reads_well_stays_whole() -> None:
    pixels = np.zeros((3, 1, 28, 28), np.uint8)
    place = open_picture(png(np.zeros((9, 9), np.uint8)), 100)
    box = page_of(open_picture(png(strokes.unit(0, np.random.default_rng(1))), 1000), SPEC).candidates[0].box
    read = PreparedPage(
        *place.size, pixels, (DigitCandidate(box, parts=(1, 2)), DigitCandidate(box), DigitCandidate(box)), 1, ()
    )
    assert read.lines([0.95, 0.99, 0.99]) == [[[0]]]
    assert read.lines([0.7, 0.6, 0.99]) == [[[0]]]
    assert len(read.lines([0.5, 0.6, 0.99])[0][0]) == 2
    assert read.touches(0, [0.95, 0.99, 0.99]) and not read.touches(0, [0.95, 0.99, 0.1])


@pytest.mark.parametrize("size", [(2, 2), (28, 28), (300, 200), (8192, 2)])
def test_an_even_picture_is_blank(size: tuple[int, int]) -> None:
    for level in (0, 128, 255):
        read = page(saved(Image.new("RGB", size, (level,) * 3)))
        assert (read.warnings, read.candidates, read.lines([])) == ((PictureWarning.BLANK_IMAGE,), (), [])
        assert read.pixels.shape == (0, 1, 28, 28)


def test_mnists_format_is_one_digit_untouched(rng: np.random.Generator) -> None:
    unit = strokes.unit(4, rng)
    read = page(png(unit))
    assert (read.pixels[0, 0] == unit).all()
    rows, columns = np.nonzero(unit)
    box = read.candidates[0].box
    assert (box.top, box.left, box.bottom, box.right) == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)


def turned(levels: Grey, orientation: int) -> bytes:
    undo = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180}
    exif = Image.Exif()
    exif[274] = orientation
    return saved(Image.fromarray(levels).transpose(undo[orientation]), "JPEG", quality=95, exif=exif)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_boxes_are_in_the_upright_picture(rng: np.random.Generator, orientation: int) -> None:
    sheet = written(["2750", "614"], rng)
    read = page(turned(sheet.levels, orientation))
    assert (read.height, read.width) == sheet.levels.shape
    check_found(read, sheet)


@pytest.mark.parametrize("orientation", [None, 6])
def test_boxes_of_a_large_photograph_are_in_its_own_pixels(rng: np.random.Generator, orientation: int | None) -> None:
    sheet = written(["2750", "6143", "980"], rng, height=400)  # a JPEG that is decoded at a half
    assert min(sheet.levels.shape) > 2048
    data = encoded(sheet.levels, "JPEG") if orientation is None else turned(sheet.levels, orientation)
    read = page(data)
    assert (read.height, read.width) == sheet.levels.shape
    check_found(read, sheet)


@pytest.mark.parametrize("label", range(10))
def test_a_single_digit_is_laid_out_as_for_predict(rng: np.random.Generator, label: int) -> None:
    levels = strokes.on_paper(label, rng)
    read = page(png(levels))
    assert read.wholes == 1
    assert likeness(read.pixels[0, 0], prepare(png(levels), SPEC).pixels[0]) > 0.95


def test_more_digits_than_are_read_are_warned_of(rng: np.random.Generator) -> None:
    sheet = written(["1234567890" * 2] * 13, rng, height=24, gap=0.5)
    read = page(png(sheet.levels))
    assert read.warnings == (PictureWarning.TOO_MANY_MARKS,)
    assert read.wholes == len(order(read)) == MOST_DIGITS
    for i, place in zip(order(read), sheet.places, strict=False):
        assert overlap(read.candidates[i], place) > 0.5


def test_marks_of_a_part_of_a_pixel_have_a_box_of_one() -> None:
    """Tiny pictures are looked at enlarged; a box without height could not be put into a line."""
    rng = np.random.default_rng(3)
    for _ in range(60):
        height, width = rng.integers(2, 12, 2).tolist()
        read = page(png(rng.choice(np.array([0, 90, 255], np.uint8), (height, width), p=[0.8, 0.1, 0.1])))
        for candidate in read.candidates:
            box = candidate.box
            assert 0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height
        read.lines([0.5] * len(read.candidates))
