"""Readings as a version could have made them, drawn at random."""

from collections.abc import Sequence

import numpy as np

from app.telemetry.drift.tally import Tally

EVEN = (0.1,) * 10
POSTAL = (0.19, 0.14, 0.12, 0.11, 0.1, 0.09, 0.08, 0.07, 0.06, 0.04)  # no place has digits that are equally frequent


def drawn(rng: np.random.Generator, readings: int, unsure: float = 0.05, mix: Sequence[float] = EVEN) -> Tally:
    """So many, of which a share of about `unsure` is uncertain, with digits as often as `mix` says."""
    counts = rng.multinomial(readings, mix)
    labels = {str(digit): int(count) for digit, count in enumerate(counts) if count}
    return Tally(readings, int(rng.binomial(readings, unsure)), labels)
