import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.camera import lens, pens, scene, sensor, shape
from tests.support.layout import Grey
from training.synthetic.strokes import unit

LARGE = "large_photo"
QUICK = [kind for kind in scene.kinds() if kind != LARGE]
SEVEN = unit(7, np.random.default_rng(1))


def taken(kind: str, seed: int, bitmap: Grey = SEVEN) -> bytes:
    return scene.photograph(bitmap, kind, np.random.default_rng(seed))


def opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file))


def upright(file: bytes) -> Grey:
    """As a person sees it, grey, on white."""
    image = ImageOps.exif_transpose(opened(file)).convert("RGBA")
    seen = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(seen.convert("L"), np.uint8)


@pytest.mark.parametrize("kind", QUICK)
def test_the_same_state_takes_the_same_picture_and_another_a_different_one(kind: str) -> None:
    first = taken(kind, 3)
    assert first == taken(kind, 3)
    assert first != taken(kind, 4)
    image = opened(first)
    assert image.format in ("PNG", "JPEG")
    assert min(image.size) >= 24 and max(image.size) <= 3000


@pytest.mark.parametrize("kind", QUICK)
def test_the_digit_is_there_and_large_enough(kind: str) -> None:
    """A mirrored digit needs the same room, so that all else in the picture stays: what differs is the writing."""
    one, other = upright(taken(kind, 1)), upright(taken(kind, 1, np.ascontiguousarray(SEVEN[:, ::-1])))
    rows, columns = (min(lengths) for lengths in zip(one.shape, other.shape, strict=True))
    places = np.flatnonzero((cv2.absdiff(one[:rows, :columns], other[:rows, :columns]) > 25).any(1))
    assert np.ptp(places) >= max(16, 0.03 * rows)


def test_a_large_photo_has_the_pixels_of_a_phone() -> None:
    assert max(opened(taken(LARGE, 0)).size) >= 2000


def test_some_photos_lie_on_their_side_and_say_so() -> None:
    picture, rng = np.zeros((20, 40, 3), np.uint8), np.random.default_rng(0)
    picture[:10] = 200
    files = [sensor.jpeg(picture, rng, worst=90) for _ in range(40)]
    assert {opened(file).getexif().get(0x0112) for file in files} == {None, 1, 3, 6, 8}
    for seen in map(upright, files):
        assert seen.shape == (20, 40) and seen[5].mean() > 150 and seen[15].mean() < 50


def test_modes_of_scanners_and_drawing_programs() -> None:
    assert opened(taken("bilevel", 0)).mode == "1"
    assert opened(taken("transparent", 0)).mode == "RGBA"


def test_refuses_an_unknown_kind_and_an_empty_bitmap() -> None:
    with pytest.raises(ValueError, match="photo_ruled"):
        taken("hologram", 0)
    with pytest.raises(ValueError, match="no ink"):
        taken("scan", 0, np.zeros((28, 28), np.uint8))


def test_every_view_holds_the_whole_box() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        box, size = (rng.uniform(1, 20), rng.uniform(4, 25)), lens.frame((160, 640), rng)
        view = lens.aim(size, box, rng.uniform(0.04, 0.85), 35, rng)
        x, y = view.plane()
        inside = (np.abs(x) < box[0] / 2) & (np.abs(y) < box[1] / 2)
        border = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
        assert inside.any() and not border.any()
        assert np.ptp(np.flatnonzero(inside.any(1))) >= 0.7 * lens.SMALLEST


def test_a_camera_straight_above_sees_a_plain_scale() -> None:
    straight = lens.View(101, 201, 100.0, np.diag([1, 1, 50.0]), 0.0, 2.0)  # 50 mm away, 100 pixels of focal length
    x, y = straight.plane()
    assert x[50, 100] == y[50, 100] == 0
    assert x[50, 120] == pytest.approx(10) and y[10, 100] == pytest.approx(-20)
    assert straight.seen(np.array([[10.0, -20.0]])).tolist() == [[120, 10]]


def test_the_centre_line_of_a_bar_lies_in_its_middle_without_forks() -> None:
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 12:16] = 255
    found = shape.strokes(bar)
    rows, columns = np.nonzero(found.spine == 0)
    assert np.abs(columns - shape.SIDE / 2).max() <= 4  # samples; the bar is 26 wide
    assert np.ptp(rows) > 0.6 * shape.UNIT
    assert found.width == pytest.approx(4 / 20, rel=0.15)
    assert found.box == pytest.approx((4 / 20, 1), abs=0.01)


@pytest.mark.parametrize("name", sorted(pens.PENS))
def test_every_pen_writes_where_the_bitmap_has_ink(name: str) -> None:
    rng = np.random.default_rng(5)
    pen = pens.PENS[name]
    high = 8 * pen.width[0]
    writing = pens.write(shape.strokes(SEVEN), pen, high, 400 / high, rng)
    ink = shape.strokes(SEVEN).outline > 0
    cover = cv2.resize(writing.cover, ink.shape, interpolation=cv2.INTER_AREA)
    assert cover[ink].mean() > 5 * cover[~ink].mean()
    assert writing.cover.min() >= 0 and writing.cover.max() <= 1
