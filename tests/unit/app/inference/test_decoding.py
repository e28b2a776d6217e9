"""Decoding: what the event loop may do itself, and what goes to a thread a handful at a time."""

import numpy as np
import pytest

from app.inference import decoding
from models_store.errors import ImageRejected
from models_store.pictures.decode import Pixels
from models_store.pictures.prepare import Prepared
from models_store.specs import InputSpec
from tests.support.pictures import encoded, png
from tests.unit.models_store.datasets.test_clean import unit
from tests.unit.models_store.pictures.test_contained import BROKEN

SPEC = InputSpec()
WHOLE = InputSpec(preparation="picture")
MOST = 16_000_000
PAGE = np.full((60, 50), 250, np.uint8)
PAGE[15:45, 20:26] = 10  # a one, dark on light


def pixels(prepared: Prepared | ImageRejected) -> Pixels:
    assert isinstance(prepared, Prepared)
    shown: Pixels = prepared.pixels[0]
    return shown


def code(prepared: Prepared | ImageRejected) -> str:
    assert isinstance(prepared, ImageRejected)
    return prepared.code


def test_a_few_digits_in_mnists_format_are_seen_as_they_are() -> None:
    seen = decoding.untouched([png(unit(seed)) for seed in range(5)], SPEC, MOST)
    assert seen is not None
    assert np.array_equal([pixels(one) for one in seen], [unit(seed) for seed in range(5)])


@pytest.mark.parametrize(
    "images",
    [[png(unit(1))] * 6, [png(unit(1)), png(PAGE)], [png(unit(1)) + bytes(16_384)]],
    ids=["six", "a page among them", "over 16 KiB"],
)
def test_what_takes_longer_is_left_to_a_thread(images: list[bytes]) -> None:
    assert decoding.untouched(images, SPEC, MOST) is None


def test_where_no_writing_is_looked_for_no_picture_passes_untouched() -> None:
    assert decoding.untouched([png(unit(1))], WHOLE, MOST) is None


def test_a_bad_picture_among_a_few_is_refused_in_its_place() -> None:
    cut = encoded(unit(2), "PNG")[:-40]
    seen = decoding.untouched([b"rubbish", png(unit(1)), cut, png(np.zeros((28, 29), np.uint8))], SPEC, 28 * 28)
    assert seen is not None
    assert [code(seen[i]) for i in (0, 2, 3)] == ["image_invalid", "image_truncated", "image_too_large"]
    assert np.array_equal(pixels(seen[1]), unit(1))


def test_a_handful_ends_with_the_picture_that_fills_16_kib() -> None:
    sizes = [10_000, 6_383, 1, 16_384, 20_000, 5, 5]
    images = [bytes([number]) * size for number, size in enumerate(sizes)]
    handfuls = list(decoding.handfuls(images))
    assert [list(map(len, handful)) for handful in handfuls] == [[10_000, 6_383, 1], [16_384], [20_000], [5, 5]]
    assert [image for handful in handfuls for image in handful] == images
    assert list(decoding.handfuls([])) == []


def test_a_thread_reads_each_in_its_place_and_counts_the_pixels_of_all_that_opened() -> None:
    cut = encoded(unit(2), "PNG")[:-40]
    seen, count = decoding.read([png(unit(1)), b"rubbish", png(PAGE), cut], SPEC, MOST)
    assert count == 28 * 28 + 60 * 50 + 28 * 28
    assert (code(seen[1]), code(seen[3])) == ("image_invalid", "image_truncated")
    assert np.array_equal(pixels(seen[0]), unit(1))
    assert pixels(seen[2]).shape == (28, 28) and pixels(seen[2]).max() > 200  # ink is light now


def test_a_page_is_refused_as_a_picture_is() -> None:
    page = decoding.page(png(unit(1)), SPEC, MOST)
    assert (page.width, page.height, len(page.candidates)) == (28, 28, 1)
    for image, most, why in ((b"rubbish", MOST, "image_invalid"), (png(PAGE), 60 * 50 - 1, "image_too_large")):
        with pytest.raises(ImageRejected) as refused:
            decoding.page(image, SPEC, most)
        assert refused.value.code == why


def test_what_nobody_foresaw_stays_in_its_place() -> None:
    seen, count = decoding.read([png(unit(1)), png(PAGE), png(unit(2))], BROKEN, MOST)
    assert [isinstance(one, Prepared) for one in seen] == [True, False, True]
    assert code(seen[1]) == "picture_unreadable"
    assert count == 2 * 28 * 28 + 60 * 50
    with pytest.raises(ImageRejected, match="could not be read"):
        decoding.page(png(PAGE), BROKEN, None)  # type: ignore[arg-type]
