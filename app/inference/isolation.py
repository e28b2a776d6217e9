"""The forward pass of pictures that come from many: one that a net can't compute takes no other with it."""

from collections.abc import Callable

import numpy as np
import structlog

from models_store.files import Pixels, Probabilities
from models_store.pictures.contained import is_of_the_machine

_log = structlog.get_logger("digitserve.inference")


def isolated(predict: Callable[[Pixels], Probabilities], labels: int) -> Callable[[Pixels], Probabilities]:
    """`predict`, but rows that it raises for are NaN [labels], and the others are answered: halves are tried alone.

    Where it raises for an empty picture too, no picture is to blame, and that error is raised.
    """

    def computed(pixels: Pixels) -> Probabilities:
        try:
            return predict(pixels)
        except Exception as error:
            if len(pixels) == 1:
                if is_of_the_machine(error):
                    raise
                predict(np.zeros_like(pixels))
                _log.exception("row_not_computed")
                return np.full((1, labels), np.nan, np.float32)
        half = len(pixels) // 2
        return np.concatenate([computed(pixels[:half]), computed(pixels[half:])])

    return computed
