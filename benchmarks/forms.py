"""Draws rows and forms of MNIST's digits for `benchmarks.rows`. Nothing is tuned with it."""

import io
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

KINDS = ("plain", "ruled", "squared", "page", "boxes", "cells", "combs", "board")
_FINE = 2  # drawn larger and shrunk: smooth edges
_PAPERS = ((255, 255, 252), (250, 246, 232), (232, 240, 250), (240, 240, 240), (252, 244, 200))
_PENS = ((20, 20, 25), (20, 40, 140), (0, 70, 160), (150, 20, 30), (10, 90, 60), (80, 80, 85))
_PRINTS = ((150, 190, 230), (200, 170, 175), (170, 170, 170), (90, 90, 95), (230, 150, 110))
_BOARDS = ((35, 75, 55), (40, 42, 46), (70, 50, 38))

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Drawn:
    """A picture file, its rows from top to bottom (each a tuple of places in the digits given), and where each is."""

    file: bytes
    rows: tuple[tuple[int, ...], ...]
    middles: dict[int, tuple[float, float]]  # x, y in the picture's pixels


@dataclass
class _Sheet:
    """What is drawn so far, in fine pixels."""

    ink: Image.Image
    printed: Image.Image
    thick: int  # of printed lines
    middles: dict[int, tuple[float, float]] = field(default_factory=dict)

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A printed line."""
        ImageDraw.Draw(self.printed).line((x0, y0, x1, y1), 255, self.thick)


def draw(digits: Grey, kind: str, touching: bool, rng: np.random.Generator) -> Drawn:
    """Writes the digits uint8 [N, 28, 28] in rows of 2 to 12 onto a picture of a kind."""
    tall = float(rng.uniform(26, 64)) * _FINE  # of a digit
    rows = _rows(len(digits), kind, rng)
    pitch = tall * float(rng.uniform(1.9, 2.6))
    step = tall * float(rng.uniform(1.0, 1.3)) if kind in ("boxes", "cells", "combs") else 0.0
    margin = tall * float(rng.uniform(0.8, 1.8))
    width = round(max(len(row) for row in rows) * max(step * 1.25, tall * 1.15) + 2 * margin + tall)
    height = round(len(rows) * pitch + 2 * margin)
    thick = max(2, round(tall * float(rng.uniform(0.02, 0.045))))
    sheet = _Sheet(Image.new("L", (width, height)), Image.new("L", (width, height)), thick)
    pen = float(rng.uniform(0.25, 0.5))
    for k, row in enumerate(rows):
        middle = margin + (k + 0.5) * pitch
        left = margin + float(rng.uniform(0, 0.5)) * tall
        if step:
            _in_cells(sheet, digits, row, (left, middle, tall, step), kind, pen, rng)
        else:
            _by_hand(sheet, digits, row, (left, middle, tall), touching, pen, rng)
    _paper_lines(sheet, kind, tall, pitch, margin)
    return _photographed(sheet, rows, kind, rng)


def _rows(count: int, kind: str, rng: np.random.Generator) -> tuple[tuple[int, ...], ...]:
    """The digits' places, in one row or, on a page and often in a form, in several."""
    if count < 6 or not (kind == "page" or (kind in ("boxes", "combs", "ruled") and rng.random() < 0.5)):
        return (tuple(range(count)),)
    cut = sorted({int(c) for c in rng.integers(2, count - 1, 2) if 2 <= c <= count - 2})
    cut = [c for c, before in zip(cut, [0, *cut[:-1]], strict=True) if c - before >= 2]
    ends = [0, *cut, count]
    return tuple(tuple(range(a, b)) for a, b in pairwise(ends))


def _stroke(digit: Grey, tall: float, pen: float, slant: float) -> Image.Image:
    """A digit's ink, `tall` pixels high as MNIST's box of 20 pixels is, with a pen's even edge; cut to its ink."""
    side = round(28 * tall / 20)
    large = Image.fromarray(digit).resize((4 * 28, 4 * 28), Image.Resampling.LANCZOS)
    large = large.filter(ImageFilter.GaussianBlur(1.6)).point(
        [min(255, max(0, round((v - 255 * pen) * 5 + 128))) for v in range(256)]
    )
    shear = (1, slant, -slant * 56, 0, 1, 0)
    upright = large.transform(large.size, Image.Transform.AFFINE, shear, Image.Resampling.BICUBIC)
    small = upright.resize((side, side), Image.Resampling.BOX if side < 112 else Image.Resampling.BICUBIC)
    return small.crop(small.getbbox())


def _put(sheet: _Sheet, ink: Image.Image, left: float, top: float, place: int) -> None:
    at = round(left), round(top)
    there = Image.new("L", sheet.ink.size)
    there.paste(ink, at)
    sheet.ink = Image.fromarray(np.maximum(np.asarray(sheet.ink), np.asarray(there)))
    sheet.middles[place] = at[0] + ink.width / 2, at[1] + ink.height / 2


def _by_hand(
    sheet: _Sheet, digits: Grey, row: tuple[int, ...], where: tuple[float, float, float],
    touching: bool, pen: float, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Digits with gaps as people leave them; where they are to touch, so close that ink meets ink."""
    left, middle, tall = where
    slant, rise = float(rng.uniform(-0.1, 0.3)), float(rng.normal(0, 0.015))
    begin = left
    gap = tall * float(rng.uniform(0.12, 0.4))
    before: NDArray[np.bool_] | None = None
    for place in row:
        ink = _stroke(digits[place], tall * float(rng.uniform(0.9, 1.1)), pen, slant)
        top = middle - ink.height / 2 + float(rng.normal(0, 0.04)) * tall + rise * (left - begin)
        if touching and before is not None and rng.random() < 0.5:
            left = _met(np.asarray(sheet.ink) > 128, np.asarray(ink) > 128, left - gap, round(top))
        _put(sheet, ink, left, top, place)
        before = np.asarray(ink) > 128
        left += ink.width + gap * float(rng.uniform(0.8, 1.25))


def _met(there: NDArray[np.bool_], ink: NDArray[np.bool_], left: float, top: int) -> float:
    """How far left the ink must stand to meet that which is there, a little."""
    height, width = ink.shape
    for x in range(round(left), round(left) - width, -1):
        if int((there[top : top + height, x : x + width] & ink).sum()) >= 3 * _FINE**2:
            return x
    return left


def _in_cells(
    sheet: _Sheet, digits: Grey, row: tuple[int, ...], where: tuple[float, float, float, float],
    kind: str, pen: float, rng: np.random.Generator,
) -> None:  # fmt: skip
    """One digit in each printed cell: boxes side by side, single boxes, or a comb."""
    left, middle, tall, step = where
    top, bottom = middle - 0.72 * tall, middle + 0.72 * tall
    apart = step * (1.2 if kind == "boxes" else 1.0)
    end = left + apart * (len(row) - 1) + step
    for k, place in enumerate(row):
        x0, x1 = left + k * apart, left + k * apart + step
        if kind == "combs":
            for x in (x0, x1):
                sheet.line(x, bottom - 0.3 * tall, x, bottom)
        else:
            for x in (x0, x1):
                sheet.line(x, top, x, bottom)
            for y in (top, bottom):
                sheet.line(x0, y, x1, y)
        ink = _stroke(digits[place], tall * float(rng.uniform(0.85, 1.05)), pen, float(rng.uniform(-0.05, 0.15)))
        off = rng.normal(0, 0.05, 2) * tall
        _put(sheet, ink, (x0 + x1 - ink.width) / 2 + off[0], middle - ink.height / 2 + off[1], place)
    if kind == "combs":
        sheet.line(left, bottom, end, bottom)


def _paper_lines(sheet: _Sheet, kind: str, tall: float, pitch: float, margin: float) -> None:
    width, height = sheet.ink.size
    if kind == "ruled":
        for y in np.arange(margin + pitch / 2 + 0.58 * tall - 9 * pitch, height, pitch):
            sheet.line(0, y, width, y)
    if kind == "squared":
        for at in np.arange(0.3 * tall, max(width, height), 0.62 * tall):
            sheet.line(0, at, width, at)
            sheet.line(at, 0, at, height)


def _photographed(sheet: _Sheet, rows: tuple[tuple[int, ...], ...], kind: str, rng: np.random.Generator) -> Drawn:
    """The sheet in its colours, turned a little, in uneven light, a little blurred and grainy, as a JPEG."""
    width, height = sheet.ink.size
    board = kind == "board"
    ground = _BOARDS[rng.integers(len(_BOARDS))] if board else _PAPERS[rng.integers(len(_PAPERS))]
    pen = (238, 238, 230) if board else _PENS[rng.integers(len(_PENS))]
    picture = Image.new("RGB", (width, height), ground)
    paler = sheet.printed.point([round(v * 0.8) for v in range(256)])
    picture.paste(_PRINTS[rng.integers(len(_PRINTS))], (0, 0), paler)
    pressed = sheet.ink.point([round(v * 0.9) for v in range(256)])
    picture.paste(pen, (0, 0), pressed)
    angle = float(np.clip(rng.normal(0, 3), -8, 8))
    turned = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=ground)
    turned = turned.resize((turned.width // _FINE, turned.height // _FINE), Image.Resampling.BOX)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    middles = {}
    for place, (x, y) in sheet.middles.items():
        dx, dy = x - width / 2, y - height / 2
        middles[place] = (c * dx + s * dy) / _FINE + turned.width / 2, (c * dy - s * dx) / _FINE + turned.height / 2
    light = np.asarray(turned.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1)))), np.float64)
    across = np.linspace(1, rng.uniform(0.6, 1), turned.width)[None, :, None]
    down = np.linspace(rng.uniform(0.7, 1), 1, turned.height)[:, None, None]
    if rng.random() < 0.3:  # somebody stands in the light
        edge = (
            np.arange(turned.width)
            + rng.uniform(-1, 1) * np.arange(turned.height)[:, None]
            - rng.uniform(0, turned.width)
        )
        light *= 1 - rng.uniform(0.15, 0.4) / (1 + np.exp(-(edge / rng.uniform(2, 20)).clip(-30, 30)))[..., None]
    light = light * across * down + rng.normal(0, rng.uniform(1, 6), (turned.height, turned.width, 1))
    buffer = io.BytesIO()
    shown = Image.fromarray(light.round().clip(0, 255).astype(np.uint8))
    shown.save(buffer, "JPEG", quality=int(rng.integers(60, 95)))
    return Drawn(buffer.getvalue(), rows, middles)
