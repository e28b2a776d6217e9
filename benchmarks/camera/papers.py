"""What people write on: colours, rulings and textures in millimetres."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import grain

Field = NDArray[np.float32]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Ground:
    """The points of a page under a picture's pixels: `x` and `y` in mm, `px` a pixel's size in mm; `high` and `turn`
    are the digit's height in mm and where the ruling's phase lies."""

    x: Field
    y: Field
    px: float
    high: float
    rng: np.random.Generator

    def line(self, distance: Field, width: float) -> Field:
        """How much of each pixel a line covers, given the distance in mm from its middle."""
        seen = max(width, self.px)
        share = np.clip((seen / 2 - np.abs(distance)) / self.px + 0.5, 0, 1) * (width / seen)
        return np.asarray(share, np.float32)

    def repeated(self, axis: Field, pitch: float, width: float) -> Field:
        """Lines `pitch` mm apart, at a random phase."""
        phase = np.float32(self.rng.uniform(0, pitch))
        return self.line(grain.wrapped(axis + phase, np.float32(pitch)) - np.float32(pitch / 2), width)


@dataclass(frozen=True)
class Paper:
    """`size` is the sheet's (width, height) in mm, `high` the digit's range in mm, `rough` its texture's strength."""

    colours: tuple[Colour, ...]
    size: tuple[float, float]
    high: tuple[float, float]
    pens: tuple[str, ...]
    rough: float = 0.012
    fibres: float = 0.0
    rule: Callable[[Ground, Field], None] | None = None
    bright: tuple[float, float] = (0.5, 1.0)  # sRGB value to which a camera exposes the ground's brightest colour


def surface(paper: Paper, ground: Ground) -> Field:
    """Linear reflectance [rows, columns, 3] of the sheet with its ruling, as if it went on for ever."""
    rng = ground.rng
    shown = np.array(paper.colours[int(rng.integers(len(paper.colours)))]) + rng.normal(0, 0.01, 3)
    colour = (np.clip(shown, 0.03, 0.97) ** 2.2).astype(np.float32)
    # Texture finer than a pixel averages out: what is left falls with the pixel's size.
    seen = paper.rough * min(1.0, 0.25 / ground.px)
    texture = 1 + np.float32(seen) * grain.laid(grain.tile(128, 0.8, 0.8, rng), ground.x, ground.y, 4)
    texture += np.float32(paper.rough) * grain.laid(grain.tile(128, 5, 5, rng), ground.x, ground.y, 0.8)
    if paper.fibres:
        fleck = grain.laid(grain.tile(256, 2.2, 0.6, rng), ground.x, ground.y, 5)
        texture -= np.float32(paper.fibres * min(1.0, 0.4 / ground.px)) * np.clip(np.abs(fleck) - 1.9, 0, 1)
    page = np.asarray(np.clip(texture, 0.2, 1.4)[..., None] * colour, np.float32)
    if paper.rule:
        paper.rule(ground, page)
    return page


def printed(page: Field, cover: Field, colour: Colour, strength: float = 1.0) -> None:
    """Prints onto the page, in place, as translucent ink does."""
    through = 1 - np.array(colour, np.float32) ** 2.2
    # Ink is sparse: only the rows and pixels that it reaches are worth the work.
    reached = cover > 0
    page[reached] *= 1 - (np.float32(strength) * cover[reached])[:, None] * through


_PRINT = ((0.55, 0.68, 0.85), (0.62, 0.66, 0.72), (0.70, 0.64, 0.80), (0.55, 0.75, 0.72))
_MARGIN = (0.86, 0.42, 0.45)


def _ink(rng: np.random.Generator) -> Colour:
    return _PRINT[int(rng.integers(len(_PRINT)))]


def _ruled(ground: Ground, page: Field) -> None:
    rng = ground.rng
    lines = ground.repeated(ground.y, rng.uniform(5, 9), rng.uniform(0.15, 0.35))
    printed(page, lines, _ink(rng), rng.uniform(0.5, 1))
    if rng.random() < 0.4:
        _margin(ground, page)


def _margin(ground: Ground, page: Field) -> None:
    away = ground.rng.uniform(1.0, 3.5) * ground.high * ground.rng.choice([-1, 1], p=[0.8, 0.2])
    printed(page, ground.line(ground.x - np.float32(away), 0.35), _MARGIN, ground.rng.uniform(0.6, 1))


def _letter(ground: Ground, page: Field) -> None:
    _margin(ground, page)
    if ground.rng.random() < 0.7:
        printed(
            page, ground.repeated(ground.y, ground.rng.uniform(7, 9), 0.25), _PRINT[0], ground.rng.uniform(0.4, 0.9)
        )


def _squared(ground: Ground, page: Field) -> None:
    rng = ground.rng
    pitch, width, colour = rng.choice([5.0, 5.0, 4.0]), rng.uniform(0.12, 0.28), _ink(rng)
    strength = rng.uniform(0.45, 1)
    for axis in (ground.x, ground.y):
        printed(page, ground.repeated(axis, pitch, width), colour, strength)


def _dotted(ground: Ground, page: Field) -> None:
    phase = ground.rng.uniform(0, 5, 2).astype(np.float32)
    across, down = (
        grain.wrapped(axis + at, np.float32(5)) - np.float32(2.5)
        for axis, at in zip((ground.x, ground.y), phase, strict=True)
    )
    width = ground.rng.uniform(0.35, 0.6)
    dots = ground.line(np.hypot(across, down), width) * np.float32(min(1, width / ground.px))
    printed(page, dots, (0.45, 0.48, 0.52), ground.rng.uniform(0.6, 1))


def _boxes(ground: Ground, page: Field) -> None:
    """A row of printed boxes, the digit in one of them."""
    rng, high = ground.rng, ground.high
    tall = high * rng.uniform(1.25, 1.8)
    wide, width = max(tall * rng.uniform(0.75, 1.1), 1.15 * high), rng.uniform(0.25, 0.6)
    before, after = int(rng.integers(0, 4)), int(rng.integers(0, 4))
    left, right = -wide / 2 - before * wide, wide / 2 + after * wide
    dx, dy = (rng.uniform(-0.3, 0.3) * np.array([wide - high, tall - high])).astype(np.float32)
    x, y = ground.x + dx, ground.y + dy
    inside_y = np.abs(y) < tall / 2 + width / 2
    inside_x = (x > left - width / 2) & (x < right + width / 2)
    sides = ground.line(grain.wrapped(x - np.float32(left + wide / 2), np.float32(wide)) - np.float32(wide / 2), width)
    sides *= inside_y & (x > left - wide / 2) & (x < right + wide / 2)
    bars = (
        np.maximum(ground.line(y - np.float32(tall / 2), width), ground.line(y + np.float32(tall / 2), width))
        * inside_x
    )
    colour = ((0.15, 0.15, 0.16), (0.25, 0.35, 0.6), (0.85, 0.45, 0.35), (0.5, 0.5, 0.5))[int(rng.integers(4))]
    printed(page, np.maximum(sides, bars), colour, rng.uniform(0.6, 1))


def _wiped(ground: Ground, page: Field) -> None:
    """Chalk dust where a board was wiped: wide soft strokes of the sponge."""
    rng = ground.rng
    angle = rng.uniform(-0.6, 0.6)
    along = ground.x * np.float32(np.cos(angle)) + ground.y * np.float32(np.sin(angle))
    across = ground.y * np.float32(np.cos(angle)) - ground.x * np.float32(np.sin(angle))
    smear = grain.laid(grain.tile(128, 14, 4, rng), along, across, 0.12)
    page += np.float32(rng.uniform(0.002, 0.009)) * np.clip(smear + 0.8, 0, 3)[..., None]


_DESK = ("ball", "ball", "gel", "fineliner", "pencil", "fountain", "felt")
_WHITE = ((0.96, 0.96, 0.95), (0.95, 0.94, 0.91), (0.93, 0.94, 0.95))
_A4, _A5 = (210.0, 297.0), (148.0, 210.0)

_SOFT = ("felt", "marker", "gel", "fineliner")
_NOTES = ((0.98, 0.93, 0.48), (0.97, 0.90, 0.55), (0.98, 0.72, 0.80), (0.70, 0.90, 0.62), (0.62, 0.86, 0.95))
_COVERS = ((0.95, 0.94, 0.90), (0.85, 0.76, 0.60), (0.90, 0.91, 0.92))
_SLATE, _GREEN = ((0.16, 0.17, 0.18), (0.20, 0.21, 0.22)), ((0.13, 0.27, 0.22), (0.17, 0.32, 0.26))
_KRAFT, _CARD = ((0.72, 0.58, 0.42), (0.68, 0.55, 0.40)), ((0.70, 0.56, 0.42), (0.64, 0.52, 0.39))
_BROWN, _DARK = (0.4, 0.85), (0.2, 0.45)

PAPERS = {
    "plain": Paper(_WHITE, _A4, (6, 25), (*_DESK, "marker", "crayon")),
    "recycled": Paper(((0.80, 0.78, 0.73), (0.76, 0.75, 0.72)), _A5, (5, 22), _DESK, 0.02, 0.25, bright=(0.5, 0.92)),
    "ruled": Paper(_WHITE, _A4, (5, 20), _DESK, rule=_ruled),
    "squared": Paper(_WHITE, _A5, (4.5, 20), _DESK, rule=_squared),
    "dotted": Paper(_WHITE, _A5, (5, 20), _DESK, rule=_dotted),
    "letter": Paper(_WHITE, _A4, (5, 20), _DESK, rule=_letter),
    "sticky": Paper(_NOTES, (76, 76), (10, 40), (*_SOFT, "ball", "pencil"), bright=(0.5, 0.95)),
    "kraft": Paper(_KRAFT, (230, 160), (8, 40), _SOFT, 0.02, 0.2, bright=_BROWN),
    "cardboard": Paper(_CARD, (300, 220), (15, 60), ("marker", "felt"), 0.03, 0.1, bright=_BROWN),
    "envelope": Paper(_COVERS, (220, 110), (6, 25), ("ball", "gel", "felt", "fountain")),
    "form": Paper(_WHITE, _A4, (4.5, 12), ("ball", "ball", "gel", "fineliner", "pencil", "fountain"), rule=_boxes),
    "blackboard": Paper(_SLATE, (2000, 1000), (60, 200), ("chalk",), 0.03, rule=_wiped, bright=_DARK),
    "greenboard": Paper(_GREEN, (2000, 1000), (60, 200), ("chalk",), 0.03, rule=_wiped, bright=_DARK),
    "whiteboard": Paper(((0.95, 0.96, 0.97), (0.92, 0.94, 0.95)), (1500, 1000), (40, 150), ("board",), 0.002),
}
