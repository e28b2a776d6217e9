"""Finds the printed lines of ruled and squared paper, and takes them out of ink. It knows no colours and no digits."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import Ink

_LONG = 0.6  # of the side along which it runs: a line that long is printed
_THIN = 0.04  # of the longer side: what is wider was written
_BESIDE = 5  # pixels: one line is found several times, side by side
_PARALLEL, _ROW = 0.07, 4  # radians at most between lines of one kind; so many make a row
_MOST = 60  # lines of one picture
_LEFT = 0.1  # of the ink must be left, otherwise the lines were the writing


@dataclass(frozen=True)
class Rules:
    """Printed lines [N, 4]: x and y of two points on each; and how thick they are. All in pixels."""

    lines: NDArray[np.float32]
    thick: float

    def seen_from(self, left: float, top: float, scale: float) -> "Rules":
        """The same in a picture whose corner lies at (left, top) and which is `scale` times as large."""
        corner = np.array([left, top, left, top], np.float32)
        return Rules((self.lines - corner) * np.float32(scale), self.thick * scale)


NONE = Rules(np.empty((0, 4), np.float32), 0.0)


def rules_in(mask: NDArray[np.bool_]) -> Rules:
    """The long thin straight lines of a mask [h, w], such as paper is printed with."""
    height, width = mask.shape
    longer = max(height, width)
    thin = _of_thin(mask, max(3, round(_THIN * longer)))
    if thin.sum() < _LONG * min(height, width):
        return NONE
    least = round(_LONG * min(height, width))
    found = cv2.HoughLinesP(thin, 1, np.pi / 180, round(0.5 * least), minLineLength=least, maxLineGap=longer // 16)
    if found is None:
        return NONE
    lines = found.reshape(-1, 4).astype(np.float32)
    run_x, run_y = np.abs(lines[:, 2] - lines[:, 0]), np.abs(lines[:, 3] - lines[:, 1])
    long = np.where(run_x > run_y, run_x > _LONG * width, run_y > _LONG * height)
    lines = lines[long | _in_a_row(lines)][:_MOST]
    return Rules(lines, _thickness(thin, lines)) if len(lines) else NONE


def _in_a_row(lines: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the lines [N, 4] have several beside them that run the same way: what is written cuts some in two."""
    ends = lines.reshape(-1, 2, 2)
    middle, run = ends.mean(1), ends[:, 1] - ends[:, 0]
    run = run / np.maximum(np.hypot(run[:, 0], run[:, 1]), 1)[:, None]
    normal = np.stack([-run[:, 1], run[:, 0]], axis=1)
    parallel = np.abs(normal @ run.T) < _PARALLEL
    places = ((middle @ normal.T - (middle * normal).sum(1)).T / (2 * _BESIDE)).round()  # [i, j]: of j beside i
    return np.array([len(np.unique(row[same])) >= _ROW for row, same in zip(places, parallel, strict=True)], bool)


def without(ink: Ink, rules: Rules, strong: float) -> Ink:
    """The ink 0..1 [h, w] without the lines; where a stroke crosses one, it is mended from both sides."""
    if not len(rules.lines):
        return ink
    thick = round(rules.thick) + 2
    printed = _drawn(rules.lines, ink.shape, thick)
    rest = np.where(printed == 1, 0, ink).astype(np.float32)
    if rest.sum() < _LEFT * ink.sum() or not (rest > strong).any():
        return ink
    mended = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((thick + _BESIDE, thick + _BESIDE), np.uint8))
    return np.where(printed == 1, np.minimum(mended, ink), ink).astype(np.float32)


def _of_thin(mask: NDArray[np.bool_], side: int) -> NDArray[np.uint8]:
    """The mask without what is wider than `side` pixels in every direction."""
    whole = mask.astype(np.uint8)
    wide = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return np.asarray((whole == 1) & (cv2.dilate(wide, np.ones((3, 3), np.uint8)) == 0), np.uint8)


def _thickness(thin: NDArray[np.uint8], lines: NDArray[np.float32]) -> float:
    """Pixels across the lines, at most of their places."""
    across = cv2.distanceTransform(thin, cv2.DIST_L2, 3)
    on = across[(_drawn(lines, thin.shape, 1) == 1) & (thin == 1)]
    return 2 * float(np.median(on)) if len(on) else 1.0


def _drawn(lines: NDArray[np.float32], shape: tuple[int, ...], thick: int) -> NDArray[np.uint8]:
    drawn = np.zeros(shape, np.uint8)
    for x0, y0, x1, y1 in lines.round().astype(int).tolist():
        cv2.line(drawn, (x0, y0), (x1, y1), 1, 1)
    return drawn if thick == 1 else np.asarray(cv2.dilate(drawn, np.ones((thick, thick), np.uint8)), np.uint8)
