"""Rows of drawn digits on paper, and where each of them is."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tests.support.layout import Grey
from training.synthetic import strokes as draw

Place = tuple[int, int, int, int]  # top, left, bottom, right


@dataclass(frozen=True)
class Sheet:
    """Grey levels [H, W], and the places of the digits as they were written."""

    levels: Grey
    places: tuple[Place, ...]


def written(
    lines: Sequence[str],
    rng: np.random.Generator,
    *,
    height: int = 40,
    gap: float = 0.35,
    space: float = 1.3,
    fall: float = 0.0,
    ground: int = 240,
    pen_grey: int = 30,
) -> Sheet:
    """Lines of digits; `gap` and `space` are in their height, `fall` is how many pixels a line falls per pixel."""
    longest = max(len(line) for line in lines)
    size = round((2.4 * len(lines) + 1.5 + 1.5 * longest * abs(fall)) * height), round((1.5 * longest + 3) * height)
    paper = np.full(size, float(ground))
    places = []
    for k, line in enumerate(lines):
        left, begin = 1.5 * height, 1.5 * height
        for character in line:
            if character == " ":
                left += space * height
                continue
            strokes = draw.digit(int(character), height, rng)
            top = round((1 + 2.4 * k + max(0.0, -1.5 * longest * fall)) * height + fall * (left - begin))
            h, w = strokes.shape
            paper[top : top + h, round(left) : round(left) + w] += strokes * (pen_grey - ground)
            places.append((top, round(left), top + h, round(left) + w))
            left += w + gap * height
    return Sheet(paper.round().clip(0, 255).astype(np.uint8), tuple(places))


def boxed(sheet: Sheet, grey: int = 120, margin: int = 9, thick: int = 1) -> Sheet:
    """The same with a printed box around every digit."""
    levels = sheet.levels.copy()
    for top, left, bottom, right in sheet.places:
        cv2.rectangle(levels, (left - margin, top - margin), (right + margin, bottom + margin), grey, thick)
    return Sheet(np.minimum(levels, sheet.levels), sheet.places)


def combed(sheet: Sheet, grey: int = 120) -> Sheet:
    """The same with a printed comb under the digits of one line: a level line with a tooth between two."""
    levels = sheet.levels.copy()
    low = max(bottom for _, _, bottom, _ in sheet.places) + 6
    edges = [sheet.places[0][1] - 7, *(right + 7 for *_, right in sheet.places)]
    cv2.line(levels, (edges[0], low), (edges[-1], low), grey, 2)
    for x in edges:
        cv2.line(levels, (x, low - 14), (x, low), grey, 2)
    return Sheet(np.minimum(levels, sheet.levels), sheet.places)


def squared(sheet: Sheet, pitch: int = 25, grey: int = 190) -> Sheet:
    """The same on squared paper."""
    levels = sheet.levels.copy()
    levels[::pitch] = np.minimum(levels[::pitch], grey)
    levels[:, ::pitch] = np.minimum(levels[:, ::pitch], grey)
    return Sheet(levels, sheet.places)
