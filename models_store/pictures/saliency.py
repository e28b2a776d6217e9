"""Draws what speaks for an answer onto the picture that a model saw."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.decode import Pixels, to_png

_SIDE = 280  # pixels, about: a person wants to see it
_FOR, _AGAINST = (214, 40, 40), (36, 84, 200)  # red, blue
_GROUND = 0.35  # how much of the picture's own brightness is left under the colours
_FULL = 0.99  # share of the pixels that colour less than fully


def drawn(pixels: Pixels, saliency: NDArray[np.float32]) -> bytes:
    """A PNG: the picture uint8 [C, H, W] in grey, enlarged; red where `saliency` [H, W] is above 0, blue below."""
    height, width = saliency.shape
    times = max(1, round(_SIDE / max(height, width)))
    size = width * times, height * times
    strength = saliency / max(float(np.quantile(np.abs(saliency), _FULL)), float(np.abs(saliency).max()) / 4, 1e-12)
    smooth = cv2.resize(strength.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    colour = np.where(smooth[..., None] > 0, np.array(_FOR, np.float32), np.array(_AGAINST, np.float32))
    share = np.minimum(np.abs(smooth), 1)[..., None]
    grey = cv2.resize(255 - pixels.mean(0).astype(np.float32) * (1 - _GROUND), size, interpolation=cv2.INTER_NEAREST)
    page = grey[..., None] * (1 - share) + colour * share
    return to_png(page.round().clip(0, 255).astype(np.uint8).transpose(2, 0, 1))
