"""Families as text that Prometheus reads, in its own format or as OpenMetrics."""

import itertools
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from app.telemetry.instruments import Family

_OPEN = "application/openmetrics-text"


def text(families: Iterable[Family], accept: str = "") -> tuple[bytes, str]:
    """The whole text and its media type, by what a request's `Accept` says."""
    is_open = any(one.split(";")[0].strip().lower() == _OPEN for one in accept.split(","))
    encode, kind = choose_encoder(_OPEN if is_open else "")  # it breaks over some that clients may send
    return encode(_AllFamilies(families)), kind


class _AllFamilies(Collector):
    """Prometheus' library writes collectors."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return map(_metric, self._families)


def _metric(family: Family) -> Metric:
    if family.kind == "histogram":
        return _histogram(family)
    made = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = made(family.name, family.help, labels=family.labels)
    for labels, value in family.samples:
        metric.add_metric(labels, value)
    return metric


def _histogram(family: Family) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    sizes = [*map(floatToGoString, family.bounds), "+Inf"]
    for labels, (*counts, total) in family.cells.items():
        metric.add_metric(labels, list(zip(sizes, itertools.accumulate(counts), strict=True)), total)
    return metric
