"""Where a training runs and who watches it: nothing here changes what is learned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from training.fit.distributed import ALONE, World
from training.fit.epoch import Epoch


@dataclass(frozen=True)
class Runtime:
    """The device, the processes that train as one, and what is written and told on the way."""

    device: torch.device = torch.device("cpu")
    world: World = ALONE
    checkpoint: Path | None = None  # written after every epoch, and gone on from where it exists
    profile: Path | None = None  # where torch's profiler writes a few steps, for chrome://tracing
    on_epoch: Callable[[Epoch], None] = lambda epoch: None
    on_step: Callable[[int, int, int], None] = lambda epoch, done, steps: None  # epoch, step, steps of an epoch
