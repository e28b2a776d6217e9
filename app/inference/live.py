"""A version in memory: loaded, checked, warm, with its own batcher. It knows no aliases and no HTTP."""

import itertools
from concurrent.futures import Executor
from dataclasses import dataclass

from app.inference.batcher import Batcher
from models_store.model import BUCKETS, Model, load_fastest
from models_store.registry import Version

_INLINE_SECONDS = 0.005  # a batch that costs less is computed on the event loop, which is never held longer


@dataclass(frozen=True, eq=False)
class Live:
    """Answers for one version. Freed when the last request that holds it ends."""

    version: Version
    model: Model
    batcher: Batcher


def load(version: Version, device: str, executor: Executor, max_waiting: int) -> Live:
    """Reads, checks and warms up a version; takes a second or more. Raises VersionCorrupt, ManifestMismatch."""
    model = load_fastest(version.folder, version.manifest, device)
    inline = _inline_rows(model)
    batcher = Batcher(model.predict, executor, max_batch=BUCKETS[-1], max_waiting=max_waiting, inline_rows=inline)
    return Live(version, model, batcher)


def _inline_rows(model: Model) -> int:
    """The largest bucket that is computed within `_INLINE_SECONDS` on this machine; 0 where not even one row is."""
    quick = itertools.takewhile(lambda size: model.seconds(size) <= _INLINE_SECONDS, BUCKETS)
    return max(quick, default=0)
