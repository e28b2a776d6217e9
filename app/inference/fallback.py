"""A card without room: the CPU computes instead. Jobs, and other servers, may take what a card has at any moment."""

import asyncio
from collections.abc import Callable

import structlog
import torch

from app.inference.batcher import Compute, NeedsThread, Rows
from app.telemetry.measures import Measures

_log = structlog.get_logger("digitserve.inference")


class CpuFallback:
    """Computes on a card; a batch that the card has no memory for is computed on the CPU, and the next one is tried on
    the card again."""

    def __init__(self, compute: Compute, load: Callable[[], Compute], noticed: Callable[[], None]) -> None:
        """`load` gives what computes the same on the CPU: asked for once, when it is needed, and kept. `noticed` is
        told of each batch."""
        self._compute = compute
        self._load = load
        self._noticed = noticed
        self._spare: Compute | None = None

    def __call__(self, rows: Rows) -> Rows:
        """Raises NeedsThread on an event loop, which does not wait for the CPU."""
        try:
            return self._compute(rows)
        except torch.OutOfMemoryError:
            if _is_on_event_loop():
                raise NeedsThread from None
        # not inside of `except`: the error's traceback holds what lies on the card
        self._noticed()
        if self._spare is None:
            self._spare = self._load()
        return self._spare(rows)


def noticed(ref: str, device: str, what: str, measures: Measures | None) -> None:
    """Says and counts that a card had no room for `what`."""
    _log.warning("out_of_memory", version=ref, device=device, computed_on="cpu", what=what)
    if measures is not None:
        measures.memory_fallbacks.add((device,))


def _is_on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
