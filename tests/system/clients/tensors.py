"""Digits as tritonclient sends and gets them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.http import InferInput

from models_store.model import Model, predict_all
from models_store.registry import Version
from training.synthetic import strokes

DIGITS = np.stack([strokes.unit(digit, np.random.default_rng(5)) for digit in range(10)])[:, None]
Levels = NDArray[np.uint8]


def labels_of(version: Version, pixels: Levels) -> list[str]:
    """What the model itself says."""
    found = predict_all(Model.load(version.folder, version.manifest), pixels).argmax(1)
    return [version.manifest.labels[place] for place in found]


def image(pixels: Levels, datatype: str, *, binary: bool = True) -> InferInput:
    values = (pixels / np.float32(255)).astype(np.float32) if datatype == "FP32" else pixels
    return InferInput("image", list(values.shape), datatype).set_data_from_numpy(values, binary_data=binary)


def picture(*files: bytes) -> InferInput:
    values = np.array(files, np.object_)
    return InferInput("picture", list(values.shape), "BYTES").set_data_from_numpy(values)


def texts(values: Any) -> list[str]:
    return [one.decode() if isinstance(one, bytes) else one for one in values.tolist()]
