"""What a run of benchmarks.growth came to, as tables and as a picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.load import Result

_INK, _SOFT, _MARK = "#1f4e79", "#8a8f98", "#b3401f"
_MOSTLY = 0.5  # refused: what would be drawn from there on are refusals
_FULL = 0.9  # of the most requests a second: from there on more connections only wait longer


@dataclass(frozen=True)
class Point:
    """A run: what was answered, what was not, and what it cost."""

    per_second: float
    p50_ms: float
    p99_ms: float
    refused: float  # share of all answers
    cpu_ms: float  # of all processes, a request

    @classmethod
    def of(cls, run: Result, cpu_seconds: float) -> "Point":
        """Of what wrk counted, and of the CPU that was used meanwhile."""
        every = max(1.0, run["requests"] + run["wrong"])
        cost = 1000 * cpu_seconds / max(1.0, run["requests"])
        return cls(run["requests_per_second"], run["p50_ms"], run["p99_ms"], run["wrong"] / every, cost)

    def __str__(self) -> str:
        refused = f", {self.refused:.0%} refused" if self.refused else ""
        return f"{_short(self.per_second)}/s, {_short(self.p50_ms)}/{_short(self.p99_ms)} ms{refused}"


@dataclass(frozen=True)
class Grown:
    """Points by picture, processes and connections; and by pictures in a request and processes."""

    pictures: dict[tuple[str, int, int], Point]
    batches: dict[tuple[int, int], Point]

    def series(self, picture: str, processes: int) -> dict[int, Point]:
        """By connections."""
        return {c: point for (name, count, c), point in self.pictures.items() if (name, count) == (picture, processes)}

    def kinds(self) -> list[tuple[str, int]]:
        return list(dict.fromkeys((name, processes) for name, processes, _ in sorted(self.pictures, key=_by_processes)))


def _by_processes(key: tuple[str, int, int]) -> int:
    return key[1]


def bend(series: dict[int, Point]) -> int:
    """The fewest connections with which nearly as many requests are answered as with any."""
    most = max(point.per_second for point in series.values())
    return min(count for count, point in series.items() if point.per_second >= _FULL * most)


def report(grown: Grown) -> str:
    """Markdown: a row for each kind of picture and number of processes, then one for each size of a batch."""
    connections = list(dict.fromkeys(c for _, _, c in grown.pictures))
    head = ["picture, processes", *(f"{c} conn." for c in connections), "bends at", "CPU, ms: alone, most"]
    rows = []
    for picture, processes in grown.kinds():
        series = grown.series(picture, processes)
        cost = f"{_short(series[connections[0]].cpu_ms)}, {_short(series[connections[-1]].cpu_ms)}"
        rows.append([f"{picture}, {processes}", *map(str, series.values()), str(bend(series)), cost])
    sizes = list(dict.fromkeys(size for size, _ in grown.batches))
    counts = list(dict.fromkeys(processes for _, processes in grown.batches))
    several = [
        "pictures in a request",
        *(f"{count} process{'es' * (count > 1)}" for count in counts),
        "CPU a picture, µs",
    ]
    batches = []
    for size in sizes:
        points = [grown.batches[size, count] for count in counts]
        cells = [f"{size * point.per_second:,.0f} pictures/s, {_short(point.p99_ms)} ms" for point in points]
        batches.append([str(size), *cells, f"{1000 * points[-1].cpu_ms / size:.0f}"])
    return f"{page.table(head, rows)}\n\n{page.table(several, batches)}"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def draw(grown: Grown, path: Path) -> None:
    """Three panels: requests a second and p99 by connections, pictures a second by pictures in a request."""
    from matplotlib.figure import Figure  # takes a second, and most runs draw nothing

    figure = Figure(figsize=(11, 3.8), layout="constrained")
    rate, waiting, batch = figure.subplots(1, 3)
    names = list(dict.fromkeys(name for name, _, _ in grown.pictures))
    for picture, processes in grown.kinds():
        series = grown.series(picture, processes)
        look: dict[str, Any] = {"color": (_INK, _MARK, _SOFT)[names.index(picture)], **_line(processes)}
        answered = {count: point for count, point in series.items() if point.refused < _MOSTLY and point.per_second}
        rate.plot(answered.keys(), [point.per_second for point in answered.values()], **look)
        waiting.plot(answered.keys(), [it.p99_ms for it in answered.values()], **look, label=f"{picture}, {processes}")
    for processes in dict.fromkeys(count for _, count in grown.batches):
        points = {size: point for (size, count), point in grown.batches.items() if count == processes}
        batch.plot(points.keys(), [size * it.per_second for size, it in points.items()], color=_INK, **_line(processes))
    rate.set(xlabel="connections", ylabel="requests answered a second", yscale="log")
    waiting.set(xlabel="connections", ylabel="p99, ms", yscale="log")
    batch.set(xlabel="pictures of 28x28 in a request", ylabel="pictures read a second", ylim=(0, None))
    for axes, ticks in ((rate, grown.pictures), (waiting, grown.pictures), (batch, grown.batches)):
        places = sorted({key[-1] if len(key) == 3 else key[0] for key in ticks})
        axes.set_xscale("log", base=4)
        axes.set_xticks(places, labels=map(str, places))
        axes.grid(color="#e4e6ea")
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=6, frameon=False, title="picture, processes")
    figure.savefig(path, dpi=110)


def _line(processes: int) -> dict[str, Any]:
    return {"marker": "o", "linewidth": 2, "markersize": 4, "linestyle": "-" if processes > 1 else "--"}
