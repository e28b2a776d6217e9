"""Pictures of handwritten digits as people take them, for reporting only: a digit, a kind and a generator give a file.

Nothing is tuned or trained on these. A pen writes on a sheet in millimetres, a pinhole camera or a scanner looks at it;
the service's own code is not used.
"""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.camera import desk, flatbed, lens, light, screen, sensor
from benchmarks.camera.papers import PAPERS, Ground, surface
from benchmarks.camera.pens import PENS, write
from benchmarks.camera.shape import Strokes, strokes

Grey = NDArray[np.uint8]
_BOARDS = ("blackboard", "greenboard", "whiteboard")


def kinds() -> tuple[str, ...]:
    """The kinds of picture. `large_photo` is the one of up to twelve megapixels, rare and slow."""
    return tuple(_KINDS)


def photograph(bitmap: Grey, kind: str, rng: np.random.Generator) -> bytes:
    """A PNG or JPEG file showing the digit of a uint8 bitmap (28x28 or any grey one, 255 = ink).

    The same for the same state of `rng`. Raises ValueError for an unknown kind and for a bitmap without ink.
    """
    if kind not in _KINDS:
        raise ValueError(f"no kind {kind!r}: take one of {', '.join(_KINDS)}")
    return _KINDS[kind](strokes(bitmap), rng)


def _photo(digit: Strokes, rng: np.random.Generator, sheet: str) -> bytes:
    picture = _taken(digit, sheet, lens.frame((160, 1024), rng), (0.04, 0.85), 35, rng)
    return sensor.jpeg(picture, rng) if rng.random() < 0.9 else sensor.png(Image.fromarray(picture))


def _large(digit: Strokes, rng: np.random.Generator) -> bytes:
    sheet = str(rng.choice([name for name in PAPERS if name != "sticky"]))
    # Pixels of a phone's 12 megapixels are not independent: half are interpolated, so half the side holds what is seen.
    half = _taken(digit, sheet, lens.frame((1000, 2000), rng), (0.04, 0.4), 30, rng)
    return sensor.jpeg(
        np.asarray(cv2.resize(half, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8), rng, worst=75
    )


def _tight(digit: Strokes, rng: np.random.Generator) -> bytes:
    sheet = str(rng.choice([name for name in PAPERS if name != "form"]))
    wide, tall = digit.box
    rows = int(np.exp(rng.uniform(np.log(48), np.log(500))))
    columns = max(round(rows * max(wide / tall, 0.35) * rng.uniform(0.95, 1.25)), 24)
    picture = _taken(digit, sheet, (rows, columns), (0.72, 0.86), 10, rng)
    return sensor.jpeg(picture, rng, worst=55) if rng.random() < 0.6 else sensor.png(Image.fromarray(picture))


def _taken(
    digit: Strokes,
    sheet: str,
    size: tuple[int, int],
    shares: tuple[float, float],
    tilt: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """The developed picture, uint8 [rows, columns, 3]."""
    paper, (rows, columns) = PAPERS[sheet], size
    high = rng.uniform(*paper.high)
    # Nobody photographs the table: the sheet's shorter side fills the frame, nearly or more than that.
    least = min(max(shares[0], high / (0.9 * min(paper.size))), shares[1])
    share = float(np.exp(rng.uniform(np.log(least), np.log(shares[1]))))
    pen = PENS[str(rng.choice(paper.pens))]
    slope = np.radians(np.clip(rng.normal(0, 2.5), -5, 5))
    box = _turned_box((digit.box[0] * high, digit.box[1] * high), slope)
    view = lens.aim(size, box, share, tilt, rng)
    x, y = view.plane()
    ground = Ground(x, y, 1 / view.px_per_mm, high, rng)
    page = surface(paper, ground)
    level = float(page[::5, ::5].mean((0, 1)).max())
    page = desk.lay(page, ground, paper.size, sheet in _BOARDS)
    write(digit, pen, high, view.px_per_mm, rng).put(page, x, y, float(slope))
    page *= light.falling(rows, columns, rng)[..., None]
    page *= light.tint(rng) * np.float32(sensor.exposure(level, rng.uniform(*paper.bright)))
    if sheet == "whiteboard" and share < 0.5 and rng.random() < 0.6:
        place = view.seen(np.zeros((1, 2)))[0] / (columns, rows)
        page += light.gloss(rows, columns, (float(place[0]), float(place[1])), rng)[..., None]
    pixels = high * view.px_per_mm
    sigma, motion = rng.uniform(0.3, 0.6) + rng.uniform(0, 0.012) * pixels, rng.uniform(0, 0.035) * pixels
    page = lens.blurred(page, min(sigma, 4), min(motion, 12) if rng.random() < 0.25 else 0, rng)
    return sensor.develop(page, float(rng.beta(1.3, 2.2)), rng)


def _turned_box(box: tuple[float, float], slope: float) -> tuple[float, float]:
    """The upright box around a turned one, with room for a pen wider than the bitmap's strokes."""
    wide, tall = box
    turn, lift, pen = float(np.cos(slope)), abs(float(np.sin(slope))), 0.06 * max(box)
    return wide * turn + tall * lift + pen, tall * turn + wide * lift + pen


_KINDS: dict[str, Callable[[Strokes, np.random.Generator], bytes]] = {
    **{f"photo_{sheet}": partial(_photo, sheet=sheet) for sheet in PAPERS},
    "tight_crop": _tight,
    "scan": flatbed.scan,
    "bilevel": flatbed.bilevel,
    "photocopy": flatbed.photocopy,
    "screenshot": screen.screenshot,
    "transparent": screen.transparent,
    "large_photo": _large,
}
