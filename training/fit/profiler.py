"""Writes what torch did in a few steps of a training."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from training.errors import ProfileRejected

_SKIPPED, _RECORDED = 5, 10  # steps: the first ones compile and would hide the rest


@contextlib.contextmanager
def profiled(path: Path | None) -> Iterator[Callable[[], None]]:
    """Hands out what to call after each step; writes steps 6 to 15 as a trace that chrome://tracing and Perfetto read.

    Runs of fewer steps write what there was, and those of five or less nothing. Raises ProfileRejected for a path that
    is a folder.
    """
    if path is None:
        yield lambda: None
        return
    from torch.profiler import profile, schedule

    if path.is_dir():
        raise ProfileRejected(f"{path} is a folder: pass --profile with a file in it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with profile(
        schedule=schedule(wait=0, warmup=_SKIPPED, active=_RECORDED, repeat=1),
        on_trace_ready=lambda profiler: profiler.export_chrome_trace(str(path)),
        record_shapes=True,
    ) as profiler:
        yield profiler.step
