"""From a picture to ink: how much each pixel differs from the paper around it."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.uint8]  # [H, W, 3]
Grey = NDArray[np.uint8]  # [H, W]
Ink = NDArray[np.float32]  # [H, W], 0..1

_DARK_GROUND = 128.0  # grey levels
_CROSSING = 0.25  # of the frame's outline: ink that crosses it is narrower, light that changes along it is wider
_EVEN = 0.12  # of the ground: how much an even ground differs along the frame
_GRAINY = 40  # grey levels below the closed frame, from which it is ink and no grain
_MOSTLY = 75  # per cent of the frame that must be so: a digit in a tight cut may cover a whole side
_THUMB = 112  # pixels: enough to see which colour the pen has
_SMALL_GROUND = 160  # pixels: enough to see how the light falls
_EDGE = 7  # pixels: a sheet's edge in a picture that is a little blurred
_GRAIN = 0.8  # of all pixels are less off the ground than the grain is coarse
_DARKEST = 0.35  # of the usual ground: in darker places grain would be ink
_SAMPLES = 5000  # pixels, that are enough to tell how coarse grain is
_PART = 0.1  # of the picture: enough of a part to see how coarse its grain is
_USUAL = 0.1  # of all that stands out: how much more of it rarer light or dark ink must be
_STROKE = 0.16  # of the thumb's longer side: wider than a stroke


@dataclass(frozen=True)
class Inked:
    """Ink as a share of the ground, and the grey picture that it was found in.

    `level` is the ground's brightness, 0..255, or its darkness where ink is the lighter of the two.
    """

    ink: Ink
    grey: Grey
    dark: bool
    level: float
    grain: float  # how far the ground alone strays, as a share of itself
    even: bool  # whether the ground is one brightness

    @property
    def unit(self) -> float:
        """Grey levels that an ink of 1 differs from the ground."""
        return max(self.level, _least(self.dark))


@dataclass(frozen=True)
class Beside:
    """Ink as a share of the ground, 255 for 1 [H, W], and what the grain alone makes seem so."""

    ink: Grey
    grain: float


def channels(picture: Colour) -> dict[bool, NDArray[np.float32]]:
    """Weights [1, 3] of the colours, in which dark ink (True) and light ink (False) stand out most from the ground.

    They are in proportion to what the ink takes from each colour, or adds (a matched filter): a faint blue grid under
    black ink, or a red margin line, weighs less so than in any fixed mixture, and a yellow pen weighs more.
    """
    thumb, _ = sized(picture, _THUMB)
    side = max(3, round(_STROKE * max(thumb.shape[:2])) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))
    padded = cv2.copyMakeBorder(thumb, side, side, side, side, cv2.BORDER_REPLICATE)
    weights = {}
    for dark, hat in ((True, cv2.MORPH_BLACKHAT), (False, cv2.MORPH_TOPHAT)):
        away = cv2.morphologyEx(padded, hat, kernel)[side:-side, side:-side].reshape(-1, 3)
        strength = away.sum(1, dtype=np.int32)
        strongest = away[strength >= max(1.0, 0.7 * float(np.partition(strength, -20)[-20]))]
        mean = strongest.mean(0) if len(strongest) else np.ones(3)
        weights[dark] = (mean / max(float(mean.sum()), 1e-6)).astype(np.float32)[None]
    return weights


def grey_in(picture: Colour, weights: NDArray[np.float32]) -> Grey:
    """The picture in one channel, without its finest grain."""
    mixed = cv2.transform(picture, weights).reshape(picture.shape[:2])
    return np.asarray(cv2.GaussianBlur(mixed, (3, 3), 0), np.uint8)


def even_ink(grey: Grey, dark: bool) -> Inked | None:
    """The ink of a picture in even light; None where the light differs along the frame.

    The frame's own brightness is the ground then: no stroke is too wide for that, as it may be for `ink_of`.
    """
    work = grey if dark else 255 - grey
    ring = _ring(work)
    closed = _closed(ring)
    level = float(np.median(ring[closed - ring <= _GRAINY]))  # closing lifts the ground by its grain
    found = flat_ink(grey, dark, level)
    uneven = float(np.percentile(np.abs(closed - np.median(closed)), _MOSTLY))
    if uneven > _EVEN * min(max(level, _DARK_GROUND), 2 * found.unit * at_share(found.ink, 0.999)):
        return None
    return found


def flat_ink(grey: Grey, dark: bool, level: float) -> Inked:
    """The ink on a ground whose brightness (or darkness) is known: `even_ink` of a part of the same picture."""
    work = grey if dark else 255 - grey
    away = (np.float32(level) - work.astype(np.float32)) / np.float32(max(level, _least(dark)))
    return Inked(np.maximum(away, 0), grey, dark, level, _grain(away), even=True)


def ink_of(grey: Grey, dark: bool, side: int, parts: NDArray[np.uint8] | None = None) -> Inked:
    """How much darker (or lighter, unless `dark`) than the ground around it each pixel is, as a share of the ground.

    The ground is the median of a square of `side` pixels, of which ink covers less than half. It follows the edge of a
    shadow and that of the paper, which would look like ink otherwise. It rounds their corners: where `parts` of the
    picture are numbered, each has a ground of its own.
    """
    work = grey if dark else 255 - grey
    small, scale = sized(work, _SMALL_GROUND)
    reach = max(3, round(side * scale) | 1)
    if parts is None:
        median = cv2.medianBlur(small, reach)
    else:
        parts = np.asarray(cv2.resize(parts, small.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
        median = _by_parts(small, parts, reach)
    wide = cv2.resize(median, work.shape[::-1], interpolation=cv2.INTER_LINEAR)
    ground = wide.astype(np.float32)
    lightest = 0.0 if parts is None else float(median.max())  # a dark table is nothing but grain
    away = (ground - work) / np.maximum(ground, np.float32(max(_least(dark), _DARKEST * lightest)))
    if parts is None:
        return Inked(np.maximum(away, 0), grey, dark, float(np.median(ground[::4, ::4])), _grain(away), even=False)
    strongest = float(away.max())
    level = float(np.median(ground[away >= strongest - 0.5 * abs(strongest)]))  # where the ink is
    return Inked(np.maximum(away, 0), grey, dark, level, min(map(_grain, _each(away, parts))), even=False)


def _by_parts(work: Grey, parts: Grey, reach: int) -> Grey:
    """The median of what lies in each pixel's own part: the ground of numbered parts."""
    ground = np.zeros_like(work)
    for number in np.unique(parts).tolist():
        part = np.asarray(parts == number, np.uint8)
        ground = np.where(part == 1, cv2.medianBlur(_spread(work, part, reach), reach), ground)
    # An edge itself is of neither brightness: what counts there as ground is the one that makes it no ink.
    around = np.ones((_EDGE, _EDGE), np.uint8)
    edge = cv2.morphologyEx(parts, cv2.MORPH_GRADIENT, around) > 0
    return np.asarray(np.where(edge, cv2.erode(ground, around), ground), np.uint8)


def _spread(work: Grey, part: Grey, reach: int) -> Grey:
    """The picture with its `part` (1, elsewhere 0) alone, which goes on beyond its edge as it is near there."""
    size = reach, reach
    share = cv2.boxFilter(part.astype(np.float32), -1, size)
    mean = cv2.boxFilter(work.astype(np.float32) * part, -1, size) / np.maximum(share, np.float32(1e-3))
    usual = np.float32(np.median(work[part == 1]))
    beyond = np.where(share > 1e-3, mean, usual)
    return np.where(part == 1, work, beyond.clip(0, 255).astype(np.uint8))


def ink_beside(grey: Grey, dark: bool, share: float) -> Beside:
    """`ink_of` for ink that covers less than half of any square of `share` of the picture's longer side.

    The ground is the median of that square, of a small copy: it follows the edge of a shadow, which a closing does not.
    """
    work = grey if dark else 255 - grey
    small, _ = sized(work, _SMALL_GROUND)
    ground = np.asarray(cv2.medianBlur(small, round(share * max(small.shape)) | 1), np.uint8)
    wide = cv2.resize(ground, work.shape[::-1], interpolation=cv2.INTER_LINEAR)
    level = np.maximum(wide, np.uint8(max(_least(dark), _DARKEST * float(np.median(ground)))))
    ink = cv2.divide(cv2.subtract(wide, work), level, scale=255)
    against = cv2.divide(cv2.subtract(work[::3, ::3], wide[::3, ::3]), level[::3, ::3], scale=255)
    return Beside(np.asarray(ink, np.uint8), float(np.quantile(against, _GRAIN)))


def ink_is_dark(grey: Grey, share: float) -> bool:
    """Whether what stands out most from the median around it is darker than that."""
    small, _ = sized(grey, _SMALL_GROUND)
    away = cv2.medianBlur(small, round(share * max(small.shape)) | 1).astype(np.float32) - small
    sign = 1.0 if is_mostly_light(small) else -1.0
    return float((away**3).sum()) + sign * _USUAL * float((np.abs(away) ** 3).sum()) >= 0


def _grain(away: NDArray[np.floating[Any]]) -> float:
    """The deviation of the grain, by the side of the ground on which there is no ink.

    Three tenths of all pixels are off by less than 0.84 deviations to that side, on average by 0.4; a share is left for
    what is no grain. A quantile alone would be a whole number of grey levels.
    """
    off = np.sort(np.maximum(-away.ravel()[:: max(1, away.size // _SAMPLES)], 0))
    return float(off[len(off) // 2 : max(len(off) // 2 + 1, 8 * len(off) // 10)].mean()) / 0.4


def _each(away: NDArray[np.floating[Any]], parts: Grey) -> list[NDArray[np.floating[Any]]]:
    """What lies in each part that is not small; all together where every part is."""
    large = [number for number, count in enumerate(np.bincount(parts.ravel())) if count > _PART * parts.size]
    wide = cv2.resize(parts, away.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return [away[wide == number] for number in large] or [away]


def at_share(ink: Ink, share: float) -> float:
    """The value that so much of the ink is below, to a thousandth."""
    counts = cv2.calcHist([ink], [0], None, [1024], [0.0, 1.0 + 1 / 1024]).ravel()
    outside = ink.size - float(counts.sum())  # below 0
    return int(np.searchsorted(np.cumsum(counts) + outside, share * ink.size)) / 1024


def is_mostly_light(grey: Grey) -> bool:
    """Whether the extremes lie farther below the usual brightness than above it: most of a picture is ground."""
    low, middle, high = np.percentile(grey[::2, ::2], (0.5, 50, 99.5))
    return bool(middle - low >= high - middle)


def sized(picture: NDArray[np.uint8], side: int, least: int = 1) -> tuple[NDArray[np.uint8], float]:
    """The picture with `least` to `side` pixels on its longer side, and how many times as large it is now."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    scale = side / longer if longer > side else max(1.0, least / longer)
    if scale == 1:
        return picture, 1.0
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8), scale


def _least(dark: bool) -> float:
    """Light ink on a dark ground is measured against middle grey: against black, grain would be everything."""
    return 1.0 if dark else _DARK_GROUND


def _ring(work: Grey) -> Grey:
    """The outermost pixels [2 * (H + W) - 4], clockwise from the top left."""
    return np.concatenate([work[0], work[1:, -1], work[-1, -2::-1], work[-2:0:-1, 0]])


def _closed(ring: Grey) -> Grey:
    """The same without dark ink that crosses the frame."""
    reach = max(1, round(_CROSSING * len(ring)))
    round_about = np.concatenate([ring[-reach:], ring, ring[:reach]])[None]
    closed = cv2.morphologyEx(round_about, cv2.MORPH_CLOSE, np.ones((1, reach), np.uint8))
    return np.asarray(closed[0, reach:-reach], np.uint8)
