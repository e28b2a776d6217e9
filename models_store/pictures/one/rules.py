"""Finds the printed lines of ruled and squared paper and of boxes, and takes them out of ink."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import Ink
from models_store.pictures.one.boxes import boxes_of

_LONG = 0.6  # of the side along which it runs: a line that long is printed
_EDGE = 0.05  # of the longer side: a line that ends farther off the frame was written, as the foot of a large 2 is
_THIN = 0.04  # of the longer side: what is wider was written
_BESIDE = 5  # pixels: one line is found several times, side by side
_PARALLEL, _ROW = 0.07, 4  # radians at most between lines of one kind; so many make a row
_PLACES, _INKED, _BARE = 16, 0.9, 0.3  # along a printed line; of them on it; and of them beside it
_MOST = 60  # lines of one picture
_STANDS = 0.15  # of the shorter side: the side of a box that stands on a rule
_AS_LONG = 0.75  # of the longest of them: what is written between them is shorter
_OVER = 0.1  # of a mark's size: how far it may reach over what it is in
_LEFT = 0.1  # of the ink must be left, otherwise the lines were the writing


@dataclass(frozen=True)
class Rules:
    """Printed lines [N, 4]: x and y of two points on each; how thick they are; and the corners [M, 4, 2] of boxes in
    which something is written. All in pixels."""

    lines: NDArray[np.float32]
    thick: float
    boxes: NDArray[np.float32]

    def seen_from(self, left: float, top: float, scale: float) -> "Rules":
        """The same in a picture whose corner lies at (left, top) and which is `scale` times as large."""
        corner = np.array([left, top, left, top], np.float32)
        lines, boxes = ((self.lines - corner) * np.float32(scale), (self.boxes - corner[:2]) * np.float32(scale))
        return Rules(lines, self.thick * scale, boxes)

    def are_around(self, low: NDArray[np.float32], high: NDArray[np.float32]) -> bool:
        """Whether what spans (x, y) from `low` to `high` is written in one of the boxes."""
        off = -_OVER * float((high - low).max())
        ends = [(x, y) for x in (low[0], high[0]) for y in (low[1], high[1])]
        return any(
            all(cv2.pointPolygonTest(corners, (float(x), float(y)), True) > off for x, y in ends)
            for corners in self.boxes
        )

    def are_within(self, low: NDArray[np.float32], high: NDArray[np.float32]) -> bool:
        """Whether what spans (x, y) from `low` to `high` is a row of such boxes itself."""
        points, slack = self.lines.reshape(-1, 2), _OVER * float((high - low).max())
        return bool(len(self.boxes) and (points > low - slack).all() and (points < high + slack).all())

    def drawn(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The lines [h, w], 1 on 0, with a pixel beside them on each side: their edges are soft."""
        return _drawn(self.lines, shape, round(self.thick) + 2)

    def and_also(self, other: "Rules") -> "Rules":
        """These lines and those."""
        lines, boxes = np.concatenate([self.lines, other.lines]), np.concatenate([self.boxes, other.boxes])
        return Rules(lines, max(self.thick, other.thick), boxes)


_NO_BOXES = np.empty((0, 4, 2), np.float32)
NONE = Rules(np.empty((0, 4), np.float32), 0.0, _NO_BOXES)


def rules_in(mask: NDArray[np.bool_]) -> Rules:
    """The long thin straight lines of a mask [h, w], such as paper is printed with, and boxes in which something is
    written."""
    height, width = mask.shape
    longer = max(height, width)
    boxes = boxes_in(mask)
    if len(boxes.lines):
        return boxes.and_also(rules_in(mask & (boxes.drawn(mask.shape) == 0)))
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
    ends, edge = lines.reshape(-1, 2, 2), _EDGE * longer
    goes_on = ((ends < edge) | (ends > np.array([width, height]) - 1 - edge)).any((1, 2))
    lines = lines[(long & goes_on) | _in_a_row(lines)][:_MOST]
    if not len(lines):
        return NONE
    rules = Rules(lines, _thickness(thin, lines), _NO_BOXES)
    return rules.and_also(_standing_on(rules, thin))


def _standing_on(rules: Rules, thin: NDArray[np.uint8]) -> Rules:
    """The sides of boxes of which only the long lines were found: two or more that stand on one side by side."""
    printed = rules.drawn(thin.shape)
    rest = np.asarray(thin & (1 - printed), np.uint8)
    least = round(_STANDS * min(thin.shape))
    found = cv2.HoughLinesP(rest, 1, np.pi / 180, round(0.7 * least), minLineLength=least, maxLineGap=_BESIDE)
    if found is None:
        return NONE
    lines = found.reshape(-1, 4).astype(np.float32)
    near = cv2.dilate(printed, np.ones((2 * _BESIDE + 1, 2 * _BESIDE + 1), np.uint8))
    ends = lines.reshape(-1, 2, 2).astype(int)
    lines = lines[(near[ends[..., 1], ends[..., 0]] == 1).any(1)]
    lines = lines[_in_a_row(lines, 2)]
    lines = lines[_straight(lines, thin, rules.thick)]
    length = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])
    return Rules(lines[length > _AS_LONG * length.max(initial=0)], rules.thick, _NO_BOXES)


def _straight(lines: NDArray[np.float32], thin: NDArray[np.uint8], thick: float) -> NDArray[np.bool_]:
    """Which lines [N, 4] are ink from end to end with bare paper on both sides: written strokes are bent."""
    ends, (_, normal) = lines.reshape(-1, 2, 2), _directions(lines)
    along = (
        ends[:, :1] + (ends[:, 1] - ends[:, 0])[:, None] * np.linspace(0, 1, _PLACES, dtype=np.float32)[:, None]
    )  # [N, places, 2]
    beside = np.float32(thick + 1) * np.array([-1, 0, 1], np.float32)
    places = along[:, None] + (normal[:, None] * beside[:, None])[:, :, None]  # [N, 3, places, 2]
    x, y = (places[..., i].round().astype(int).clip(0, thin.shape[1 - i] - 1) for i in (0, 1))
    inked = thin[y, x].mean(2)
    return np.asarray((inked[:, 1] > _INKED) & (inked[:, 0] < _BARE) & (inked[:, 2] < _BARE))


def boxes_in(mask: NDArray[np.bool_], known: Rules = NONE) -> Rules:
    """The lines of boxes around what is written in a mask [h, w]; those of `known` rules make no box."""
    whole = mask.astype(np.uint8)
    if len(known.lines):
        whole &= 1 - known.drawn(mask.shape)
    boxes = boxes_of(whole)
    return Rules(boxes.lines, _thickness(whole, boxes.lines), boxes.corners) if len(boxes.lines) else NONE


def _in_a_row(lines: NDArray[np.float32], least: int = _ROW) -> NDArray[np.bool_]:
    """Which of the lines [N, 4] have several beside them that run the same way: what is written cuts some in two."""
    middle, (run, normal) = lines.reshape(-1, 2, 2).mean(1), _directions(lines)
    parallel = np.abs(normal @ run.T) < _PARALLEL
    places = ((middle @ normal.T - (middle * normal).sum(1)).T / (2 * _BESIDE)).round()  # [i, j]: of j beside i
    return np.array([len(np.unique(row[same])) > least - 1 for row, same in zip(places, parallel, strict=True)], bool)


def _directions(lines: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Along and across each of the lines [N, 4]: (x, y) of length 1, [N, 2] each."""
    run = lines[:, 2:] - lines[:, :2]
    run = run / np.maximum(np.hypot(run[:, 0], run[:, 1]), 1)[:, None]
    return run, np.stack([-run[:, 1], run[:, 0]], axis=1)


def without(ink: Ink, rules: Rules, strong: float) -> Ink:
    """The ink 0..1 [h, w] without the lines; where a stroke crosses one, it is mended from both sides. Where there are
    boxes, what lies outside of them is none."""
    if not len(rules.lines):
        return ink
    printed, across = rules.drawn(ink.shape), round(rules.thick) + 2 + _BESIDE
    rest = np.where(printed == 1, 0, ink).astype(np.float32)
    if not len(rules.boxes) and (rest.sum() < _LEFT * ink.sum() or not (rest > strong).any()):
        return ink
    mended = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((across, across), np.uint8))
    inside = np.where(printed == 1, np.minimum(mended, ink), ink).astype(np.float32)
    if len(rules.boxes):
        within = np.zeros(ink.shape, np.uint8)
        for corners in rules.boxes.round().astype(np.int32):
            cv2.fillConvexPoly(within, corners, 1)
        inside *= within
    return inside


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
