"""What was seen, as Prometheus is told: gauges, the same from whichever process answers. docs/operations.md has the
same names.
"""

from collections.abc import Iterator

from app.supervision.watch.rows import Inventory
from app.supervision.watch.sight import Sighting
from app.telemetry.instruments import Family


def _gauge(name: str, help_: str, *labels: str) -> Family:
    return Family(f"digitserve_{name}", help_, "gauge", labels)


UP = _gauge("database_up", "1 where the database answers, 0 where it does not; then what is counted in it is left out.")
JOBS = _gauge("jobs", "Jobs by their state.", "state")
HEARTBEAT = _gauge(
    "job_oldest_heartbeat_seconds", "Since the most silent worker has last said something of the job that it holds."
)
WAITING = _gauge("job_oldest_waiting_seconds", "Since the queued job was made that waits longest.")
CORRECTIONS = _gauge("corrections", "Corrections: all that are kept, and of them waiting and held ones.", "state")
CORRECTIONS_BYTES = _gauge("corrections_bytes", "Of the pictures of all corrections.")
UNCERTAIN = _gauge("uncertain_pictures", "Pictures that wait for a person.")
FILES = _gauge("files", "Data sets that are kept.")
FILES_BYTES = _gauge("files_bytes", "Of all data sets.")
SHADOW = _gauge("shadow_info", "1 for each challenger that reads beside a champion.", "model", "champion", "challenger")
SHADOW_PICTURES = _gauge(
    "shadow_pictures", "Pictures of a comparison that goes on: compared, differed, labelled.", "model", "state"
)
SHADOW_RIGHT = _gauge("shadow_right", "Labelled pictures by who was right.", "model", "who")
DISK_FREE = _gauge("disk_free_bytes", "Room for this user on the disk of the store, and of the state.", "place")
DRIFT = _gauge("drift", "1 where a version reads otherwise than in its baseline.", "version", "signal")
DRIFT_BASELINE = _gauge(
    "drift_baseline_uncertain_ratio", "Share of its baseline that a version was unsure of.", "version"
)

DECLARED = (
    UP, JOBS, HEARTBEAT, WAITING, CORRECTIONS, CORRECTIONS_BYTES, UNCERTAIN, FILES, FILES_BYTES, SHADOW,
    SHADOW_PICTURES, SHADOW_RIGHT, DISK_FREE, DRIFT, DRIFT_BASELINE,
)  # fmt: skip


def families(seen: Sighting) -> Iterator[Family]:
    """All of them; one that nothing is known of has no samples."""
    yield UP.of({(): float(seen.rows is not None)})
    yield from _of_rows(seen.rows) if seen.rows is not None else ()
    yield DISK_FREE.of({(place,): free for place, free in seen.free_bytes.items()})
    yield DRIFT.of(
        {(one["version"], its["signal"]): float(its["drifted"]) for one in seen.drift for its in one["signals"]}
    )
    whole = (one for one in seen.drift if one["state"] != "too_few")
    yield DRIFT_BASELINE.of({(one["version"],): one["baseline"]["uncertain_share"] for one in whole})


def _of_rows(rows: Inventory) -> Iterator[Family]:
    yield JOBS.of({(str(state),): count for state, count in rows.jobs.items()})
    yield HEARTBEAT.of({} if rows.heartbeat_age is None else {(): rows.heartbeat_age})
    yield WAITING.of({} if rows.waiting_age is None else {(): rows.waiting_age})
    corrections = {"kept": rows.corrections, "waiting": rows.corrections_waiting, "held": rows.corrections_held}
    yield CORRECTIONS.of({(state,): count for state, count in corrections.items()})
    yield CORRECTIONS_BYTES.of({(): rows.corrections_bytes})
    yield UNCERTAIN.of({(): rows.uncertain_pictures})
    yield FILES.of({(): rows.files})
    yield FILES_BYTES.of({(): rows.files_bytes})
    pairs = [(shadow, shadow.pair) for shadow in rows.shadows]
    yield SHADOW.of({(pair.model, pair.ref(pair.champion), pair.ref(pair.challenger)): 1 for _, pair in pairs})
    yield SHADOW_PICTURES.of(
        {
            (pair.model, state): count
            for shadow, pair in pairs
            for state, count in (
                ("compared", shadow.compared), ("differed", shadow.differed), ("labelled", shadow.labels.count),
            )
        }
    )  # fmt: skip
    yield SHADOW_RIGHT.of(
        {
            (pair.model, who): count
            for shadow, pair in pairs
            for who, count in (
                ("champion", shadow.labels.champion), ("challenger", shadow.labels.challenger),
                ("neither", shadow.labels.neither),
            )
        }
    )  # fmt: skip
