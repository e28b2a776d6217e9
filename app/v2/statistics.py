"""What versions have read, as Triton's statistics extension tells it, from what all processes of a server count."""

from collections.abc import Callable, Iterable

from app.telemetry.instruments import Cells, Totals
from app.v2.schemas import InferenceStatistics, ModelStatistics, StatisticDuration
from models_store.refs import Ref

_NS = 10**9


def statistics(totals: Totals, wanted: Callable[[Ref], bool]) -> list[ModelStatistics]:
    """One entry for each of the versions that have read anything, by name and number."""
    readings, batches, steps = (
        totals.get(f"digitserve_{name}", {}) for name in ("readings_total", "batch_rows", "reading_step_seconds")
    )
    refs = {labels[0]: Ref.parse(labels[0]) for labels in readings}
    found = sorted((ref.name, ref.version, text) for text, ref in refs.items() if ref.version and wanted(ref))
    return [
        ModelStatistics(
            name=name,
            version=str(number),
            inference_count=int(sum(_cells(readings, (text,)))),
            execution_count=_duration(batches, (text,)).count,
            inference_stats=_durations(steps, text),
        )
        for name, number, text in found
    ]


def _durations(steps: Cells, text: str) -> InferenceStatistics:
    prepare, queue, infer = (_duration(steps, (text, step)) for step in ("prepare", "queue", "infer"))
    whole = StatisticDuration(count=infer.count, ns=prepare.ns + queue.ns + infer.ns)
    return InferenceStatistics(success=whole, queue=queue, compute_input=prepare, compute_infer=infer)


def _duration(histogram: Cells, labels: tuple[str, ...]) -> StatisticDuration:
    """A histogram's cell is a count for each bucket, and the sum."""
    *buckets, total = histogram.get(labels) or [0]
    return StatisticDuration(count=int(sum(buckets)), ns=round(_NS * total))


def _cells(counter: Cells, begin: tuple[str, ...]) -> Iterable[float]:
    return (cell[0] for labels, cell in counter.items() if labels[: len(begin)] == begin)
