import cv2
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
from tests.support.rows import Place, Sheet, boxed, combed, squared, written
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


@pytest.mark.parametrize("fall", [-0.15, 0.15])
def test_slanted_lines(rng: np.random.Generator, fall: float) -> None:
    sheet = written(["26058", "71934"], rng, fall=fall)
    check_found(page(png(sheet.levels)), sheet)


@pytest.mark.parametrize("height", [22, 40, 90])
def test_small_and_large_digits_in_boxes(rng: np.random.Generator, height: int) -> None:
    sheet = boxed(written(["205839"], rng, height=height, gap=0.8), thick=max(1, height // 30))
    check_found(page(png(sheet.levels)), sheet)


@pytest.mark.parametrize("printed", [boxed, combed, squared])
def test_what_a_form_has_printed_is_left_out(rng: np.random.Generator, printed: object) -> None:
    assert callable(printed)
    sheet = printed(written(["86093275"], rng, height=50, gap=0.7))
    check_found(page(png(sheet.levels)), sheet)


def test_turned_squared_paper(rng: np.random.Generator) -> None:
    sheet = squared(written(["380265"], rng, height=50, gap=0.5))
    height, width = sheet.levels.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 6, 1)
    turned = cv2.warpAffine(sheet.levels, turn, (width, height), flags=cv2.INTER_CUBIC, borderValue=240)
    assert len(order(page(png(np.asarray(turned, np.uint8))))) == 6


def test_dirt_points_and_dashes_are_no_digits(rng: np.random.Generator) -> None:
    sheet = written(["503827"], rng, gap=0.8)
    levels = sheet.levels.copy()
    for _, _, bottom, right in sheet.places[::2]:
        levels[bottom - 5 : bottom, right + 8 : right + 13] = 30
    top, left, bottom, _ = sheet.places[0]
    levels[(top + bottom) // 2 : (top + bottom) // 2 + 5, left - 45 : left - 12] = 30
    for y, x in rng.integers(5, min(levels.shape) - 5, (40, 2)):
        levels[y : y + 2, x : x + 2] = np.minimum(levels[y : y + 2, x : x + 2], 150)
    check_found(page(png(levels)), sheet)


def test_light_ink_on_a_dark_board(rng: np.random.Generator) -> None:
    sheet = written(["4071", "62"], rng, ground=50, pen_grey=230)
    check_found(page(png(sheet.levels)), sheet)


def test_a_shadow_makes_no_digit(rng: np.random.Generator) -> None:
    sheet = written(["58203", "917"], rng)
    x = np.arange(sheet.levels.shape[1]) + np.arange(sheet.levels.shape[0])[:, None]
    shade = 1 - 0.45 / (1 + np.exp(-(x - x.mean()) / 6))
    check_found(page(png((sheet.levels * shade).astype(np.uint8))), sheet)


def test_a_broken_digit_is_one(rng: np.random.Generator) -> None:
    sheet = written(["0808"], rng, height=60)
    levels = sheet.levels.copy()
    for top, left, bottom, right in sheet.places[:2]:
        levels[(top + bottom) // 2 : (top + bottom) // 2 + 4, left:right] = 240  # the pen skipped
    check_found(page(png(levels)), sheet)


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
