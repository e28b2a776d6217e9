"""The preparation `digit`, as versions of release 0.1 were trained with it: finds the writing in a grey picture. It
stays as it was, because those versions still read; new ones take `writing`.

All sizes are shares of a working picture of 128 pixels: enough to see strokes, small enough to take a millisecond.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.hysteresis import components

FAINT = 24  # grey levels of 255 between ink and ground under which a picture is blank
LOW_CONTRAST = 0.25  # of the ground's brightness
_WORK = 128  # pixels: the longer side of the working picture
_MARGIN = 0.25  # of the writing's longer side, kept around it when the picture is cropped for a closer look
_SMALL = 0.5  # writing that spans less of the frame than this is looked at again from closer up

cv2.setNumThreads(1)  # pictures this small gain nothing from threads, and a serving process has one core

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]


@dataclass(frozen=True)
class FoundDigit:
    """Writing: ink 0..1 [h, w], cut to its bounding box, and how far it stands out from the ground, 0..1."""

    strokes: Ink
    contrast: float


def find(grey: Grey) -> FoundDigit | None:
    """The writing in uint8 [H, W], whichever of ink and ground is darker; None where there is none."""
    scale = _WORK / max(grey.shape)
    seen = _look(grey)
    if seen is None:
        return None
    strokes, contrast, (top, left, bottom, right) = seen
    span = max(bottom - top, right - left)
    if scale < _SMALL and span < _SMALL * _WORK:
        margin = _MARGIN * span
        box = [round(v / scale) for v in (top - margin, left - margin, bottom + margin, right + margin)]
        closer = _look(grey[max(0, box[0]) : box[2], max(0, box[1]) : box[3]])
        if closer is not None:
            strokes, contrast, (top, left, bottom, right) = closer
    return FoundDigit(strokes[top:bottom, left:right], contrast)


def _look(grey: Grey) -> tuple[Ink, float, tuple[int, int, int, int]] | None:
    """Ink 0..1 of the working picture, its contrast, and the box (top, left, bottom, right) of what was written."""
    work = _shrunk(grey)
    ink = _ink(work)
    peak = float(np.percentile(ink, 99.8))
    if peak * 255 < FAINT:
        return None
    ink = np.clip(ink / peak, 0, 1)
    kept = _strokes(ink)
    rows, columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
    if not len(rows):
        return None
    box = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    return np.where(kept, ink, 0).astype(np.float32), peak, box


def _shrunk(grey: Grey) -> Ink:
    height, width = grey.shape
    scale = _WORK / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        return cv2.GaussianBlur(small, (3, 3), 0).astype(np.float32)  # grain
    return grey.astype(np.float32)


def _ink(work: Ink) -> Ink:
    """How much darker (or lighter) than the ground around it each pixel is, as a share of the ground, 0..1.

    The ground is what a closing leaves: strokes are narrower than its kernel, shadows are wider.
    """
    low, middle, high = np.percentile(work, (0.2, 50, 99.8))
    dark_on_light = middle - low >= high - middle
    work = work if dark_on_light else 255 - work
    side = max(3, round(0.16 * max(work.shape)) | 1)
    pad = side  # without padded edges the closing eats strokes near the border
    padded = cv2.copyMakeBorder(work, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))
    ground = cv2.blur(cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel), (side, side))[pad:-pad, pad:-pad]
    least = (
        1 if dark_on_light else 128
    )  # light on dark must stand out from black, not from the ground's own small value
    return np.clip((ground - work) / np.maximum(ground, least), 0, 1)


def _strokes(ink: Ink) -> NDArray[np.bool_]:
    """Where marks of some weight are."""
    marks = components(ink, weak=0.35, strong=0.6)
    weight = np.where(marks.strong == 0, 0, marks.weights)
    kept = weight > 0.12 * weight.max() if weight.max() > 0 else np.zeros(len(weight), bool)
    return np.asarray(kept[marks.labels])
