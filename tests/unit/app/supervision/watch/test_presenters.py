"""What is counted and seen, as `/v1/stats` shows it."""

import pytest

from app.jobs.job import State
from app.supervision.watch.presenters import duration, stats
from app.supervision.watch.rows import Inventory
from app.supervision.watch.schemas import Stats
from app.supervision.watch.sight import Sighting
from app.telemetry.board import Board
from app.telemetry.measures import Measures
from app.telemetry.overview import Overview

NOTHING = Sighting(None, {}, [])


def shown(measures: Measures, seen: Sighting = NOTHING) -> Stats:
    overview = Overview(measures, Board.alone())
    return stats(list(overview.families(overview.now())), seen)


def test_a_server_that_has_done_nothing() -> None:
    found = shown(Measures())
    assert (found.requests.answered, found.versions, found.steps, found.batches, found.rows) == (0, [], {}, 0, 0)
    assert (found.database_up, found.jobs, found.kept, found.shadows) == (False, None, None, None)


def test_requests_by_status_and_route() -> None:
    measures = Measures()
    for labels in [("POST", "/v1/predict", "200")] * 5 + [("POST", "/v1/predict", "429")] * 2:
        measures.requests.add(labels)
    measures.requests.add(("GET", "other", "404"))
    measures.requests.add(("PUT", "other", "404"))
    for _ in range(2):
        measures.refusals.add(("too_busy",))
    found = shown(measures).requests
    assert found.answered == 9
    assert found.by_status == {"200": 5, "404": 2, "429": 2}
    assert found.by_route == {"POST /v1/predict": 7, "other": 2}
    assert found.refused == {"too_busy": 2}


def test_what_each_version_has_read() -> None:
    measures = Measures()
    for label, uncertain, count in (("7", "false", 6), ("7", "true", 2), ("1", "false", 2)):
        for _ in range(count):
            measures.readings.add(("digits@7", label, uncertain))
    for confidence in (0.5, 1.0):
        measures.confidence.observe(("digits@7",), confidence)
    measures.loaded_versions.read = lambda: {("digits@8", "fp32", "cpu"): 1}
    seventh, eighth = shown(measures).versions
    assert (seventh.version, seventh.readings, seventh.uncertain, seventh.uncertain_share) == ("digits@7", 10, 2, 0.2)
    assert (seventh.labels, seventh.mean_confidence, seventh.loaded) == ({"7": 8, "1": 2}, 0.75, False)
    assert (eighth.version, eighth.readings, eighth.uncertain_share, eighth.loaded) == ("digits@8", 0, None, True)


def test_steps_of_all_versions_and_batches() -> None:
    measures = Measures()
    for version, seconds in (("digits@7", 0.003), ("digits@8", 0.001)):
        measures.step_seconds.observe((version, "infer"), seconds)
        measures.batch_rows.observe((version,), 4)
    found = shown(measures)
    assert (found.steps["infer"].count, found.steps["infer"].mean_ms, found.steps["infer"].p95_ms) == (2, 2.0, 5.0)
    assert (found.batches, found.rows) == (2, 8)


def test_a_duration_is_rounded_up_to_a_bound() -> None:
    bounds = (0.001, 0.01, 0.1)
    assert duration([95, 5, 0, 0, 1.0], bounds).p95_ms == 1.0
    assert duration([94, 6, 0, 0, 1.0], bounds).p95_ms == 10.0
    assert duration([0, 0, 0, 9, 1.0], bounds).p95_ms is None, "longer than the last bound"
    nothing = duration([0, 0, 0, 0, 0.0], bounds)
    assert (nothing.count, nothing.mean_ms, nothing.p95_ms) == (0, None, None)


def test_a_process_at_the_moment() -> None:
    measures = Measures()
    measures.started_at.read = lambda: {(): 1790000000.5}
    measures.memory_bytes.read = lambda: {(): 3e8}
    measures.waiting_bytes.read = lambda: {(): 81_920}
    (found,) = shown(measures).processes
    assert (found.process, found.started_at, found.memory_bytes) == ("api-1", 1790000000, 300_000_000)
    assert (found.waiting_bytes, found.open_files) == (81_920, 0)


@pytest.mark.parametrize("age", [None, 3.14159])
def test_the_database(age: float | None) -> None:
    found = shown(Measures(), Sighting(Inventory(heartbeat_age=age, corrections=5, files=2), {"store": 9}, []))
    assert found.database_up and found.jobs is not None and found.kept is not None
    assert found.jobs.oldest_heartbeat_seconds == (None if age is None else 3.1)
    assert (found.jobs.by_state[State.QUEUED], found.kept.corrections, found.kept.files) == (0, 5, 2)
    assert found.disk_free_bytes == {"store": 9}
