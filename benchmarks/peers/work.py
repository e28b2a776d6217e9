"""What every peer does with a picture. It knows nothing of this project: it runs in the peers' own environments.

MODEL names a TorchScript file that takes float32 pixels of 0..1, [N, 1, 28, 28], and gives logits.
"""

import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image


def load() -> Any:
    """The model, warm. One thread: with torch's default the peers collapse on a busy machine; be fair to them."""
    torch.set_num_threads(1)
    model = torch.jit.load(os.environ["MODEL"]).eval()
    with torch.inference_mode():
        for size in (1, 2, 8, 16, 32, 256):
            for _ in range(3):
                model(torch.zeros(size, 1, 28, 28))
    return model


def decode(png: bytes) -> Any:
    """[28, 28] float32 of 0..1."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), np.float32) / 255


def infer(model: Any, pictures: Sequence[Any]) -> list[dict[str, object]]:
    """Label and probabilities of each, of one forward pass."""
    with torch.inference_mode():
        rows = model(torch.from_numpy(np.stack(pictures))[:, None]).softmax(1).tolist()
    return [{"label": max(range(10), key=row.__getitem__), "probabilities": row} for row in rows]
