"""Where a sheet ends: a part of the picture with straight edges, lighter or darker than all around it, whose ground is
its own. What lies beside it is a table, a hand's shadow or another sheet.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import Grey

Mask = NDArray[np.bool_]
Parts = NDArray[np.uint8]

# Found on the pictures of `training.synthetic.photos` with tables.
_STROKE = 0.1  # of the longer side: what is narrower is no sheet
_LEAST = 0.08  # of the picture: a smaller part is no sheet
_INNER = 0.2  # of the picture, where the frame cuts no part of it: the inside of a 6 is smaller
_CONVEX = 0.94  # of its hull: straight edges meet at corners that point outwards; digits are bent
_WHOLE = 0.9  # of all that is as light: a sheet is in one piece
_PAPER = 0.8  # of a sheet is bare: a bold 6 whose holes were closed is not
_STEP = 0.2  # of the lighter side's brightness, by which the darker one differs
_SUDDEN = 0.5  # of that difference, within a few pixels: light that falls off slowly is no edge


def parts_of(grey: Grey) -> Parts | None:
    """The number of the part that each pixel of a picture [H, W] belongs to; None where nothing ends in it.

    A sheet that lies on a table and half in the shadow has two parts, and the table is the third.
    """
    side = max(3, round(_STROKE * max(grey.shape)) | 1)
    sheet = _sheet(bare := _without_strokes(grey, side), grey)
    if sheet is None:
        return None
    parts = sheet.astype(np.uint8)
    for number, part in enumerate((sheet, ~sheet), start=1):
        inner = _sheet(np.asarray(np.where(part, bare, np.median(bare[part])), np.uint8), grey)
        if inner is not None:
            parts[inner & part] += 2 * number
    return parts


def _without_strokes(grey: Grey, side: int) -> Grey:
    """The picture without what is narrower than `side` pixels; a strip of table that the frame cuts goes on outside."""
    kernel = np.ones((side, side), np.uint8)
    padded = cv2.copyMakeBorder(grey, side, side, side, side, cv2.BORDER_REPLICATE)
    bare = cv2.morphologyEx(cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel)
    return np.asarray(bare[side:-side, side:-side], np.uint8)


def _sheet(bare: Grey, grey: Grey) -> Mask | None:
    """The lighter or the darker side of a picture `bare` of strokes, where a sudden edge parts them and one is a sheet
    that is mostly empty in `grey`, the picture itself."""
    level, found = cv2.threshold(bare, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = np.asarray(found, np.uint8)
    low, high = bare[light == 0], bare[light == 1]
    if not len(low) or not len(high) or float(high.mean() - low.mean()) < _STEP * float(high.mean()):
        return None
    step = float(high.mean() - low.mean())
    slope = cv2.morphologyEx(bare, cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8))
    edge = cv2.morphologyEx(light, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    if float(np.median(slope[edge])) < _SUDDEN * step:
        return None
    for part in (light, 1 - light):
        hull = _convex(part)
        if hull is not None and ((grey > level) == bool(part is light))[hull].mean() > _PAPER:
            return hull
    return None


def _convex(part: NDArray[np.uint8]) -> Mask | None:
    """The hull of a part 0/1 that is in one piece, large and nearly its own hull."""
    contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    hull = cv2.convexHull(largest)
    filled = cv2.fillPoly(np.zeros_like(part), [hull], 1)
    area, inside = int(filled.sum()), int(part[filled == 1].sum())
    if area < _LEAST * part.size or inside < _CONVEX * area or inside < _WHOLE * int(part.sum()):
        return None
    framed = filled[[0, -1]].any() or filled[:, [0, -1]].any()
    if not framed and area < _INNER * part.size:
        return None
    return None if area == part.size else np.asarray(filled == 1)
