"""What all processes of a server have counted together, and how each of them is at the moment."""

import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version as package_version

import structlog

from app.telemetry.board import Board, BoardRow
from app.telemetry.instruments import Family, Totals
from app.telemetry.measures import Measures
from app.telemetry.written import Now, read, together, written

BUILD = Family("digitserve_build_info", "1, with the release.", "gauge", ("version",))
TOO_LARGE = Family(
    "digitserve_metrics_too_large_total", "Times a process had counted more than fits.", "counter", ("process",)
)
_QUIET_SECONDS = 1.0  # between two writings of a process that counts nothing: how it is changes all the same

_log = structlog.get_logger("digitserve.telemetry")


class Overview:
    """One process's measures, and those of the others on its board."""

    def __init__(self, measures: Measures, board: Board) -> None:
        """It goes on from what its row of the board holds, whoever wrote that."""
        self.measures = measures
        self._board = board
        self.process = board.own
        self._wrote_at = -_QUIET_SECONDS
        before, _ = read(board.begin())
        for instrument in measures.counted():
            instrument.go_on(before.get(instrument.name, {}))
        measures.starts.add((self.process,))

    def now(self) -> Now:
        """How this process is. Call it where its state changes: on the event loop."""
        return {one.name: one.read() for one in self.measures.gauges()}

    def write(self) -> None:
        """Lets the others read what is new. Call it where `now` may be called."""
        is_quiet = not any(one.has_news for one in self.measures.counted())
        if is_quiet and time.monotonic() - self._wrote_at < _QUIET_SECONDS:
            return
        self._wrote_at = time.monotonic()
        if not self._board.write(written(self._counted(), self.now())):
            _log.error("metrics_too_large", process=self.process)

    def totals(self) -> Totals:
        """What all processes have counted, also those that have ended since."""
        return together([self._counted(), *(read(row.text)[0] for row in self._others().values())])

    def families(self, now: Now) -> Iterator[Family]:
        """All that is counted, and how each process is; `now` tells that of this one."""
        others = self._others()
        reports = {name: read(row.text) for name, row in others.items()}
        totals = together([self._counted(), *(totals for totals, _ in reports.values())])
        for instrument in self.measures.counted():
            yield instrument.told(totals.get(instrument.name, {}))
        everywhere = {self.process: now} | {name: its for name, (_, its) in reports.items() if others[name].is_alive}
        for gauge in self.measures.gauges():
            found = {name: its.get(gauge.name, {}) for name, its in everywhere.items()}
            yield gauge.family.of(
                {(name, *labels): value for name, its in found.items() for labels, value in its.items()}
            )
        yield BUILD.of({(package_version("digitserve"),): 1})
        yield TOO_LARGE.of(
            {(name,): row.too_large for name, row in self._board.every().items() if row.is_alive or row.text}
        )

    def _others(self) -> Mapping[str, BoardRow]:
        return {name: row for name, row in self._board.every().items() if name != self.process}

    def _counted(self) -> Totals:
        return {one.name: one.cells() for one in self.measures.counted()}


def totals_of(board: Board) -> Totals:
    """What the processes of a board have counted, for who counts nothing himself."""
    return together(read(row.text)[0] for row in board.every().values())
