"""A version in memory: loaded, checked, warm, with its own batcher."""

import contextlib
import itertools
import math
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import structlog
import torch

from app.inference.batcher import Batcher, Compute, RowsOfBatch, uncounted
from app.inference.fallback import CpuFallback, noticed
from app.inference.fastest import KnownFastest
from app.inference.isolation import isolated
from app.telemetry.measures import Measures
from models_store.machine import give_back_memory
from models_store.model import BUCKETS, Model, load_fastest
from models_store.registry import Version

MAX_BATCH = 256  # pictures in one request
_INLINE_SECONDS = 0.005  # a batch that costs less is computed on the event loop, which is never held longer
_CPU = "cpu"
_QUEUE_BYTES = 64 * 2**20  # of rows that wait; one request of the most pictures always finds room

_log = structlog.get_logger("digitserve.inference")


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """Answers for one version. Freed when the last request that holds it ends."""

    version: Version
    model: Model
    batcher: Batcher


def load(
    version: Version,
    device: str,
    executor: Executor,
    max_waiting: int,
    fastest: KnownFastest | None = None,
    measures: Measures | None = None,
) -> LoadedModel:
    """Reads, checks and warms up a version; takes a second or more, or less where the `fastest` candidate is known.
    Where a card has no room for it, it computes on the CPU for as long as it is loaded. Raises VersionCorrupt,
    ManifestMismatch."""
    loaded = None
    with contextlib.suppress(*(() if device == _CPU else (torch.OutOfMemoryError,))):
        loaded = _load(version, device, executor, max_waiting, fastest, measures)
    if loaded is None:
        noticed(version.ref, device, "version", measures)
        torch.cuda.empty_cache()  # of what found room before that
        loaded = _load(version, _CPU, executor, max_waiting, None, measures)
    give_back_memory()  # of the candidates that were tried beside it, and of the batches they computed
    return loaded


def _load(
    version: Version,
    device: str,
    executor: Executor,
    max_waiting: int,
    fastest: KnownFastest | None,
    measures: Measures | None,
) -> LoadedModel:
    known = fastest.get(version.manifest) if fastest else None
    model = load_fastest(
        version.folder, version.manifest, device, known, passed_over=partial(_passed_over, version.ref)
    )
    if fastest and model.candidate != known:
        fastest.keep(version.manifest, model.candidate)
    compute = isolated(model.predict, len(model.labels))
    if device != _CPU:
        compute = CpuFallback(
            compute, partial(_on_cpu, version), partial(noticed, version.ref, device, "batch", measures)
        )
    return LoadedModel(version, model, batching(model, executor, max_waiting, _counted(version, measures), compute))


def _on_cpu(version: Version) -> Compute:
    """The plain candidate, from the same files."""
    model = Model.load(version.folder, version.manifest)
    return isolated(model.predict, len(model.labels))


def _passed_over(ref: str, candidate: str, why: str) -> None:
    _log.info("candidate_passed_over", version=ref, candidate=candidate, why=why)


def _counted(version: Version, measures: Measures | None) -> RowsOfBatch:
    labels = (version.ref,)
    return uncounted if measures is None else partial(measures.batch_rows.observe, labels)


def batching(
    model: Model,
    executor: Executor,
    max_waiting: int,
    counted: RowsOfBatch = uncounted,
    compute: Compute | None = None,
) -> Batcher:
    """A queue for a warm model, in batches that it computes soon; fewer rows may wait where pictures are large.
    `counted` is told the rows of each batch; `compute` is what computes them, the model where none is given."""
    room = max(MAX_BATCH, _QUEUE_BYTES // math.prod(model.picture.shape))
    return Batcher(
        compute or isolated(model.predict, len(model.labels)),
        executor,
        max_batch=model.largest_batch,
        max_waiting=min(max_waiting, room),
        inline_rows=_inline_rows(model),
        counted=counted,
    )


def _inline_rows(model: Model) -> int:
    """The largest bucket that is computed within `_INLINE_SECONDS` on this machine; 0 where not even one row is."""
    buckets = [size for size in BUCKETS if size <= model.largest_batch]
    quick = itertools.takewhile(lambda size: model.seconds(size) <= _INLINE_SECONDS, buckets)
    return max(quick, default=0)
