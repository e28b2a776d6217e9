"""What Prometheus is told of what was seen."""

from app.jobs.job import State
from app.shadow.mcnemar import Labels
from app.shadow.record import Pair, Phase, Shadow
from app.supervision.watch.families import DECLARED, families
from app.supervision.watch.rows import Inventory
from app.supervision.watch.sight import Sighting
from app.telemetry.drift import report
from app.telemetry.drift.compare import Rule
from app.telemetry.drift.course import Course
from app.telemetry.drift.tally import Tally
from app.telemetry.exposition import text
from app.telemetry.instruments import Labels as Names

SHADOW = Shadow("shadow-1", Pair("digits", 1, 2), Phase.COLLECTING, 1.0, None, 100, 7, Labels(1, 3, 1), None)
ROWS = Inventory(
    jobs={**dict.fromkeys(State, 0), State.RUNNING: 1}, heartbeat_age=0.5, corrections=4, corrections_waiting=2,
    corrections_held=1, corrections_bytes=900, uncertain_pictures=3, files=2, files_bytes=50, shadows=(SHADOW,),
)  # fmt: skip


def told(seen: Sighting) -> dict[str, dict[Names, float]]:
    return {family.name.removeprefix("digitserve_"): dict(family.samples) for family in families(seen)}


def drifted() -> dict[str, object]:
    course = Course(Rule(windows=1), Tally(1000, 50, {"7": 1000}), 600.0)
    course.look(Tally(), 0.0)
    course.look(Tally(500, 250, {"7": 500}), 60.0)
    return report.described("digits@1", course)


def test_everything_is_told() -> None:
    found = told(Sighting(ROWS, {"store": 5, "state": 6}, [drifted(), report.described("digits@2", Course(Rule()))]))
    assert found["database_up"] == {(): 1.0}
    assert (found["jobs"][("running",)], len(found["jobs"])) == (1, len(State))
    assert (found["job_oldest_heartbeat_seconds"], found["job_oldest_waiting_seconds"]) == ({(): 0.5}, {})
    assert found["corrections"] == {("kept",): 4, ("waiting",): 2, ("held",): 1}
    assert found["shadow_info"] == {("digits", "digits@1", "digits@2"): 1}
    assert found["shadow_pictures"] == {
        ("digits", "compared"): 100,
        ("digits", "differed"): 7,
        ("digits", "labelled"): 5,
    }
    assert found["shadow_right"][("digits", "challenger")] == 3
    assert found["disk_free_bytes"] == {("store",): 5, ("state",): 6}
    assert found["drift"] == {("digits@1", "uncertain"): 1.0, ("digits@1", "labels"): 0.0}
    assert found["drift_baseline_uncertain_ratio"] == {("digits@1",): 0.05}


def test_without_a_database_all_else_is_told() -> None:
    found = told(Sighting(None, {"store": 5}, []))
    assert found["database_up"] == {(): 0.0}
    assert set(found) == {"database_up", "disk_free_bytes", "drift", "drift_baseline_uncertain_ratio"}


def test_what_is_told_is_declared_and_can_be_written() -> None:
    made = list(families(Sighting(ROWS, {"store": 5}, [drifted()])))
    assert [family.name for family in made] == [family.name for family in DECLARED]
    assert all(len(labels) == len(family.labels) for family in made for labels, _ in family.samples)
    assert b'digitserve_drift{signal="uncertain",version="digits@1"} 1.0' in text(made)[0]
