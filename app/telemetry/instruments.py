"""Instruments: what a process counts, in plain numbers that cost a fraction of a microsecond.

Counters and histograms hold cells, lists of numbers by the values of their labels, which several processes' can be
added up by place: a counter's is [count], a histogram's a count for each bucket, and the sum of what was observed last.
"""

import abc
import collections
import math
import threading
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Labels = tuple[str, ...]  # values, in the order of an instrument's labels
Cells = dict[Labels, list[float]]
Totals = dict[str, Cells]  # by the names of instruments

OTHER = "other"  # where a label would have more values than anybody wants to see
MOST_SERIES = 500  # of one instrument
_MOST_SEEN = 4096  # that wait to be added up


@dataclass(frozen=True)
class Family:
    """All that is told under one name. `kind` is counter, gauge or histogram, as Prometheus means it."""

    name: str
    help: str
    kind: str
    labels: Labels = ()
    samples: Sequence[tuple[Labels, float]] = ()
    cells: Cells = field(default_factory=dict)  # of a histogram, instead of samples
    bounds: Sequence[float] = ()  # of its buckets

    def of(self, values: Mapping[Labels, float]) -> "Family":
        """The same with what was found."""
        return replace(self, samples=sorted(values.items()))


class Instrument:
    """What all have."""

    kind = ""

    def __init__(self, name: str, help_: str, labels: Labels = ()) -> None:
        self.name = name
        self.help = help_
        self.labels = labels

    @property
    def family(self) -> Family:
        """What it is called, and nothing that was counted."""
        return Family(self.name, self.help, self.kind, self.labels)


class Counted(Instrument, abc.ABC):
    """One with cells. Any thread may count: what is seen only joins a list, and is added up when somebody asks."""

    def __init__(self, name: str, help_: str, labels: Labels = (), *, length: int = 1) -> None:
        """`length` of a cell."""
        super().__init__(name, help_, labels)
        self._length = length
        self._cells: Cells = {}
        self._adding = threading.RLock()

    @property
    @abc.abstractmethod
    def has_news(self) -> bool:
        """Whether something was seen since somebody asked."""

    def told(self, cells: Cells) -> Family:
        """What is told of these cells, which may be those of several processes together."""
        return self.family.of({labels: cell[0] for labels, cell in cells.items()})

    def cells(self) -> Cells:
        """A copy of them, with all that was seen."""
        with self._adding:
            self._add_up()
            return {labels: list(cell) for labels, cell in self._cells.items()}

    def go_on(self, cells: Mapping[Labels, Sequence[float]]) -> None:
        """Counts on from what another process has counted; what another release counted otherwise is left out."""
        with self._adding:
            for labels, cell in cells.items():
                if len(labels) == len(self.labels) and len(cell) == self._length:
                    own = self._cell(labels)
                    own[:] = map(sum, zip(own, cell, strict=True))

    def _cell(self, labels: Labels) -> list[float]:
        if labels not in self._cells and len(self._cells) >= MOST_SERIES:
            labels = (OTHER,) * len(labels)
        return self._cells.setdefault(labels, [0] * self._length)

    @abc.abstractmethod
    def _add_up(self) -> None:
        """Moves what was seen into the cells."""


class Counter(Counted):
    """Only ever more."""

    kind = "counter"

    def __init__(self, name: str, help_: str, labels: Labels = ()) -> None:
        super().__init__(name, help_, labels)
        self._seen: list[Labels] = []

    @property
    def has_news(self) -> bool:
        return bool(self._seen)

    def add(self, labels: Labels = ()) -> None:
        """One more."""
        self._seen.append(labels)
        if len(self._seen) >= _MOST_SEEN:
            self.cells()

    def _add_up(self) -> None:
        for labels, count in collections.Counter(_taken(self._seen)).items():
            self._cell(labels)[0] += count


class Histogram(Counted):
    """How many were at most so large, for some sizes."""

    kind = "histogram"

    def __init__(self, name: str, help_: str, labels: Labels = (), *, bounds: Sequence[float]) -> None:
        """`bounds` are the largest values of the buckets, ascending; one for all that is larger comes by itself."""
        super().__init__(name, help_, labels, length=len(bounds) + 2)
        self.bounds = tuple(bounds)
        self._seen: dict[Labels, list[float]] = {}

    @property
    def has_news(self) -> bool:
        return any(self._seen.values())

    def observe(self, labels: Labels, value: float) -> None:
        """One more, of this size."""
        seen = self._seen.get(labels)
        if seen is None:
            with self._adding:
                self._cell(labels)
                seen = self._seen.setdefault(labels if labels in self._cells else (OTHER,) * len(labels), [])
        seen.append(value)
        if len(seen) >= _MOST_SEEN:
            self.cells()

    def told(self, cells: Cells) -> Family:
        return replace(self.family, cells=dict(sorted(cells.items())), bounds=self.bounds)

    def _add_up(self) -> None:
        for labels, seen in self._seen.items():
            values = sorted(_taken(seen))
            if values:
                cell, below = self._cell(labels), 0
                for place, bound in enumerate((*self.bounds, math.inf)):
                    upto = bisect_right(values, bound, below)
                    cell[place] += upto - below
                    below = upto
                cell[-1] += sum(values)


def _taken(seen: list[Any]) -> list[Any]:
    """What is in a list now, which has it no longer: of what comes meanwhile nothing is lost."""
    count = len(seen)
    taken = seen[:count]
    del seen[:count]
    return taken


def _nothing() -> Mapping[Labels, float]:
    return {}


class Gauge(Instrument):
    """What is so at the moment, of this process: its first label is `process`, of which `read` says nothing."""

    kind = "gauge"

    def __init__(self, name: str, help_: str, labels: Labels = ()) -> None:
        super().__init__(name, help_, ("process", *labels))
        self.read: Callable[[], Mapping[Labels, float]] = _nothing
