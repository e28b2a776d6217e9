"""A version in memory: loaded, checked, warm, with its own batcher."""

import itertools
import math
from concurrent.futures import Executor
from dataclasses import dataclass

from app.inference.batcher import Batcher
from app.inference.fastest import KnownFastest
from app.inference.isolation import isolated
from models_store.machine import give_back_memory
from models_store.model import BUCKETS, Model, load_fastest
from models_store.registry import Version

MAX_BATCH = 256  # pictures in one request
_INLINE_SECONDS = 0.005  # a batch that costs less is computed on the event loop, which is never held longer
_QUEUE_BYTES = 64 * 2**20  # of rows that wait; one request of the most pictures always finds room


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """Answers for one version. Freed when the last request that holds it ends."""

    version: Version
    model: Model
    batcher: Batcher


def load(
    version: Version, device: str, executor: Executor, max_waiting: int, fastest: KnownFastest | None = None
) -> LoadedModel:
    """Reads, checks and warms up a version; takes a second or more, or less where the `fastest` candidate is known.
    Raises VersionCorrupt, ManifestMismatch."""
    known = fastest.get(version.manifest) if fastest else None
    model = load_fastest(version.folder, version.manifest, device, known)
    if fastest and model.candidate != known:
        fastest.keep(version.manifest, model.candidate)
    loaded = LoadedModel(version, model, batching(model, executor, max_waiting))
    give_back_memory()  # of the candidates that were tried beside it, and of the batches they computed
    return loaded


def batching(model: Model, executor: Executor, max_waiting: int) -> Batcher:
    """A queue for a warm model, in batches that it computes soon; fewer rows may wait where pictures are large."""
    room = max(MAX_BATCH, _QUEUE_BYTES // math.prod(model.picture.shape))
    return Batcher(
        isolated(model.predict, len(model.labels)),
        executor,
        max_batch=model.largest_batch,
        max_waiting=min(max_waiting, room),
        inline_rows=_inline_rows(model),
    )


def _inline_rows(model: Model) -> int:
    """The largest bucket that is computed within `_INLINE_SECONDS` on this machine; 0 where not even one row is."""
    buckets = [size for size in BUCKETS if size <= model.largest_batch]
    quick = itertools.takewhile(lambda size: model.seconds(size) <= _INLINE_SECONDS, buckets)
    return max(quick, default=0)
