"""One watch for all processes: what it says once, keeps, and tells the others."""

import asyncio
from pathlib import Path

import numpy as np
from structlog.testing import capture_logs

from app.supervision.watch.baselines import MOST, Baselines
from app.supervision.watch.drifting import DriftWatch, drift_watch, known, tallies
from app.supervision.watch.schemas import VersionDrift
from app.telemetry.board import Board
from app.telemetry.drift.tally import Tally
from app.telemetry.instruments import Cells
from app.telemetry.measures import Measures
from app.telemetry.notes import SharedNote
from app.telemetry.overview import Overview
from tests.support.patience import until
from tests.unit.app.telemetry.drift.drawn import drawn

REF = "digits@7"
SEVENS = (0.02,) * 7 + (0.82, 0.02, 0.02)


class Server:
    """Counts as its processes would, and has the watch look once a minute."""

    def __init__(self, state: Path, rng: np.random.Generator, room: int = 65_536) -> None:
        self.cells: Cells = {}
        self.note = SharedNote(memoryview(bytearray(room)))
        self.now = 0.0
        self._rng = rng
        self._state = state
        self.watch = self.started()

    def started(self) -> DriftWatch:
        self.watch = DriftWatch(lambda: self.cells, self.note, Baselines(self._state), clock=lambda: self.now)
        return self.watch

    def reads(self, tally: Tally, version: str = REF) -> None:
        for label, count in tally.labels.items():
            unsure = round(count * tally.uncertain_share)
            for word, more in (("true", unsure), ("false", count - unsure)):
                self.cells.setdefault((version, label, word), [0])[0] += more

    def minutes(self, count: int, mix: tuple[float, ...] = (0.1,) * 10, unsure: float = 0.05) -> list[str]:
        """What was said meanwhile."""
        with capture_logs() as logs:
            for _ in range(count):
                self.reads(drawn(self._rng, 500, unsure, mix))
                self.now += 60.0
                self.watch.look()
        self.logs = logs
        return [line["event"] for line in logs]

    def state(self, version: str = REF) -> VersionDrift:
        return next(one for one in map(VersionDrift.model_validate, known(self.note)) if one.version == version)


def test_cells_become_tallies() -> None:
    cells: Cells = {
        (REF, "7", "true"): [2.0],
        (REF, "7", "false"): [8.0],
        (REF, "1", "false"): [5.0],
        ("other",) * 3: [9.0],
    }
    assert tallies(cells) == {REF: Tally(15, 2, {"7": 10, "1": 5})}


def test_drift_is_said_once_with_numbers_and_what_to_do(tmp_path: Path, rng: np.random.Generator) -> None:
    server = Server(tmp_path, rng)
    assert known(server.note) == []
    assert server.minutes(20) == []
    assert (server.state().state, server.state().signals[0].drifted) == ("steady", False)
    assert server.minutes(10, mix=SEVENS) == ["drift"]
    (line,) = server.logs
    assert (line["version"], line["signal"], line["label"], line["log_level"]) == (REF, "labels", "7", "warning")
    assert line["baseline"] < 0.15 < 0.7 < line["share"] and line["p"] < 1e-6
    assert f"{REF} reads `7` in " in line["why"] and "delete drift.json" in line["why"]
    found = server.state()
    assert (found.state, found.said.count("reads `7`")) == ("drifted", 1)
    assert server.minutes(5) == ["drift_over"]
    assert server.state().state == "steady"


def test_few_requests_are_told_to_be_too_few(tmp_path: Path, rng: np.random.Generator) -> None:
    server = Server(tmp_path, rng)
    assert server.minutes(1, mix=SEVENS) == []
    found = server.state()
    assert (found.state, found.readings, found.readings_needed) == ("too_few", 500, 1000)
    assert "Too few readings" in found.said


def test_a_server_that_is_started_again_keeps_its_baseline(tmp_path: Path, rng: np.random.Generator) -> None:
    server = Server(tmp_path, rng)
    server.minutes(20)
    server.cells.clear()
    server.started()
    assert server.minutes(4, mix=SEVENS) == ["drift"], "it did not learn the sevens as its own"


def test_a_baseline_that_grows_slowly_survives_too(tmp_path: Path, rng: np.random.Generator) -> None:
    server = Server(tmp_path, rng)
    server.minutes(1)
    server.cells.clear()
    server.started()
    server.watch.look()
    server.minutes(1)
    assert server.state().baseline.readings == 1000


def test_who_deletes_the_file_gets_a_new_baseline(tmp_path: Path, rng: np.random.Generator) -> None:
    server = Server(tmp_path, rng)
    server.minutes(20)
    server.minutes(3, mix=SEVENS)
    (tmp_path / "drift.json").unlink()
    assert server.minutes(30, mix=SEVENS) == ["drift_begins_anew"]
    assert server.state().state == "steady"


def test_versions_that_nobody_asks_any_more_make_room(tmp_path: Path, rng: np.random.Generator) -> None:
    server = Server(tmp_path, rng)
    for number in range(MOST + 4):
        server.reads(drawn(rng, 50), f"old@{number}")
    server.minutes(2)
    versions = [one["version"] for one in known(server.note)]
    assert len(versions) == MOST and versions[0] == REF


def test_a_note_that_is_too_small_has_the_newest(tmp_path: Path, rng: np.random.Generator) -> None:
    server = Server(tmp_path, rng, room=700)
    server.reads(drawn(rng, 50), "old@1")
    server.minutes(2)
    assert [one["version"] for one in known(server.note)] == [REF]


def test_it_reads_the_board_of_all_processes(tmp_path: Path) -> None:
    board = Board.alone()
    overview = Overview(measures := Measures(), board)
    for _ in range(3):
        measures.readings.add((REF, "7", "false"))
    overview.write()
    drift_watch(board, tmp_path).look()
    (found,) = known(SharedNote(board.notes))
    assert (found["version"], found["readings"]) == (REF, 3)


async def test_a_mistake_of_ours_ends_nothing(tmp_path: Path) -> None:
    looks = 0

    def broken() -> Cells:
        nonlocal looks
        looks += 1
        raise RuntimeError("a mistake")

    watch = DriftWatch(broken, SharedNote(memoryview(bytearray(1024))), Baselines(tmp_path))
    with capture_logs() as logs:
        running = asyncio.create_task(watch.run())
        await until(lambda: [line["event"] for line in logs] == ["unforeseen"])
        assert not running.done() and looks == 1
        running.cancel()
