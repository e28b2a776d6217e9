"""The preparation `picture`: the whole of it in a model's shape. Nothing is looked for in it."""

import numpy as np
from PIL import Image, ImageOps

from models_store.pictures.decode import Pixels, decoded, grey_of
from models_store.specs import InputSpec


def whole(image: Image.Image, spec: InputSpec) -> Pixels:
    """uint8 [C, H, W] in the shape of `spec`, of a picture whose header was read. Raises ImageRejected.

    Laid on white where it is transparent, scaled until it covers the shape, and cut in the middle.
    """
    mode = "L" if spec.channels == 1 else "RGB"
    image = decoded(image, mode, 2 * max(spec.height, spec.width))
    if image.mode.startswith("I"):
        image = Image.fromarray(grey_of(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")  # scaled with its alpha: what is transparent lends no colour to its neighbours
    elif image.mode != mode:
        image = image.convert(mode)
    image = ImageOps.fit(image, (spec.width, spec.height), Image.Resampling.BICUBIC)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert(mode)
    return np.array(image).reshape(spec.height, spec.width, spec.channels).transpose(2, 0, 1).copy()
