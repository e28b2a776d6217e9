"""What a run of benchmarks.serving came to: medians of the rounds, and ratios of runs that stood beside each other."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import page
from benchmarks.load import DIGITS, Result
from benchmarks.peers.servers import BARE, MOSEC, OURS, TORCHSERVE, TUTORIAL
from models_store.machine import cores

# What this service is held to: how many times a peer's requests it answers, and which part of the peer's p99 it has.
_TARGETS = {
    (TORCHSERVE, 64): "≥ 2.7 times, p99 ≤ 0.5",
    (MOSEC, 1): "> 1 times",
    (MOSEC, 16): "> 1 times",
    (MOSEC, 64): "≥ 2.5 times, p99 ≤ 0.5",
    (TUTORIAL, 1): "≥ 1.8 times",
}
_MANY_TARGET = "≥ 2.5 times"


@dataclass(frozen=True)
class Case:
    """What is asked: `one` picture a request or `many`, over so many connections."""

    kind: str
    connections: int

    def __str__(self) -> str:
        return (
            f"{'1 picture' if self.kind == 'one' else f'{DIGITS} pictures'} a request, {self.connections} connections"
        )


@dataclass(frozen=True)
class Measured:
    """The runs of each server and case, in order; and images a second of the model alone, by the size of a batch."""

    runs: Mapping[tuple[str, Case], Sequence[Result]]
    model: Mapping[int, float]

    def servers(self) -> list[str]:
        """All but bare uvicorn, as they were started."""
        return [name for name in dict.fromkeys(name for name, _ in self.runs) if name != BARE]

    def cases(self, kind: str) -> list[Case]:
        return [case for case in dict.fromkeys(case for _, case in self.runs) if case.kind == kind]

    def median(self, server: str, case: Case, what: str = "requests_per_second") -> float:
        return statistics.median(run[what] for run in self.runs[server, case])

    def ratio(self, peer: str, case: Case, what: str = "requests_per_second") -> float:
        """Ours to a peer's: the median of what each round came to."""
        pairs = zip(self.runs[OURS, case], self.runs[peer, case], strict=True)
        return statistics.median(ours[what] / theirs[what] for ours, theirs in pairs)


def report(measured: Measured) -> str:
    """All of it as Markdown."""
    parts = [_speeds(measured)]
    if OURS in measured.servers():
        parts += [_ratios(measured), _limits(measured)]
    return "\n\n".join(parts)


def _speeds(measured: Measured) -> str:
    ones, manys = measured.cases("one"), measured.cases("many")
    head = ["", *(f"{case.connections} conn., req/s, p50/p99 ms" for case in ones)]
    head += [f"{DIGITS} a request, {case.connections} conn., images/s" for case in manys]

    def cells(server: str) -> list[str]:
        speeds = [
            f"{measured.median(server, case):,.0f}, {_ms(measured, server, case, 'p50_ms')}/"
            f"{_ms(measured, server, case, 'p99_ms')}"
            for case in ones
        ]
        return speeds + [f"{DIGITS * measured.median(server, case):,.0f}" for case in manys]

    return page.table(head, [[name, *cells(name)] for name in measured.servers()])


def _ms(measured: Measured, server: str, case: Case, what: str) -> str:
    return f"{measured.median(server, case, what):.1f}"


def _ratios(measured: Measured) -> str:
    rows = []
    for peer in measured.servers():
        for case in measured.cases("one") if peer != OURS else ():
            times, share = (_ratio(measured, peer, case, what) for what in ("requests_per_second", "p99_ms"))
            target = _TARGETS.get((peer, case.connections), "")
            rows.append([f"{peer}, {case.connections} connections", times, share, target])
    for case in measured.cases("many"):
        best = _best(measured, case)
        if best:
            times = _ratio(measured, best, case, "requests_per_second")
            name = f"{best}, the best with {DIGITS} a request, {case.connections} connections"
            rows.append([name, times, _ratio(measured, best, case, "p99_ms"), _MANY_TARGET])
    return page.table([f"{OURS} beside", "times its requests", "of its p99", "target"], rows)


def _ratio(measured: Measured, peer: str, case: Case, what: str) -> str:
    return f"{measured.ratio(peer, case, what):.2f}"


def _best(measured: Measured, case: Case) -> str | None:
    peers = [name for name in measured.servers() if name != OURS]
    return max(peers, key=lambda name: measured.median(name, case), default=None)


def _limits(measured: Measured) -> str:
    rows = []
    for case in measured.cases("one"):
        if (BARE, case) in measured.runs:
            share = _ratio(measured, BARE, case, "requests_per_second")
            rows.append([f"uvicorn alone, {case}", f"{measured.median(BARE, case):,.0f} req/s", share])
    busiest = {kind: measured.cases(kind)[-1] for kind in ("one", "many")}
    together = {"one": measured.median(OURS, busiest["one"]), "many": DIGITS * measured.median(OURS, busiest["many"])}
    for size, rate in measured.model.items():
        kind = "one" if size < DIGITS // 2 else "many"
        limit = cores() * rate
        name = f"the model alone in batches of {size}, on each core; {OURS}: {busiest[kind]}"
        rows.append([name, f"{limit:,.0f} images/s", f"{together[kind] / limit:.2f}"])
    return page.table(["limit", "", f"of it {OURS} reaches"], rows)
