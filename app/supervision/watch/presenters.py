"""What is counted and seen -> the answer of `/v1/stats`."""

import itertools
from collections.abc import Mapping, Sequence

from app.supervision.watch.drifting import tallies
from app.supervision.watch.rows import Inventory
from app.supervision.watch.schemas import (
    Duration,
    JobStats,
    KeptStats,
    ProcessStats,
    RequestStats,
    ShadowStats,
    Stats,
    VersionDrift,
    VersionStats,
)
from app.supervision.watch.sight import Sighting
from app.telemetry.drift.tally import Tally
from app.telemetry.instruments import OTHER, Cells, Family, Labels


def stats(families: Sequence[Family], seen: Sighting) -> Stats:
    """The answer. `families` are all of app.telemetry.overview."""
    named = _ByName(families)
    rows, (batches, _) = seen.rows, named.cells("digitserve_batch_rows")
    steps, bounds = named.cells("digitserve_reading_step_seconds")
    return Stats(
        release=next(iter(named.values("digitserve_build_info")))[0],
        requests=_requests(named),
        steps={step: duration(cell, bounds) for step, cell in _by_step(steps).items()},
        batches=int(sum(sum(cell[:-1]) for cell in batches.values())),
        rows=int(sum(cell[-1] for cell in batches.values())),
        pictures_refused=named.by("digitserve_pictures_refused_total", 0),
        versions=_versions(named),
        drift=[VersionDrift.model_validate(one) for one in seen.drift],
        database_up=rows is not None,
        jobs=None if rows is None else JobStats(
            by_state=dict(rows.jobs),
            oldest_heartbeat_seconds=_rounded(rows.heartbeat_age),
            oldest_waiting_seconds=_rounded(rows.waiting_age),
        ),
        kept=None if rows is None else _kept(rows),
        shadows=None if rows is None else _shadows(rows),
        disk_free_bytes=dict(seen.free_bytes),
        processes=_processes(named),
    )  # fmt: skip


class _ByName:
    """Families by their names."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = {family.name: family for family in families}

    def values(self, name: str) -> Mapping[Labels, float]:
        """Of a counter or a gauge."""
        return dict(self._families[name].samples)

    def by(self, name: str, *places: int) -> dict[str, int]:
        """Sums of a counter by some of its labels, the largest first."""
        sums: dict[str, int] = {}
        for labels, value in self._families[name].samples:
            key = " ".join(labels[place] for place in places)
            sums[key] = sums.get(key, 0) + int(value)
        return dict(sorted(sums.items(), key=lambda pair: (-pair[1], pair[0])))

    def cells(self, name: str) -> tuple[Cells, Sequence[float]]:
        """Of a histogram, and its bounds."""
        family = self._families[name]
        return family.cells, family.bounds


def _requests(named: _ByName) -> RequestStats:
    name = "digitserve_requests_total"
    by_status = named.by(name, 2)
    return RequestStats(
        answered=sum(by_status.values()),
        by_status=by_status,
        by_route=_by_route(named.by(name, 0, 1)),
        refused=named.by("digitserve_refusals_total", 0),
    )


def _by_route(found: Mapping[str, int]) -> dict[str, int]:
    """Of what no route takes the method says nothing."""
    sums: dict[str, int] = {}
    for key, count in found.items():
        name = OTHER if key.endswith(f" {OTHER}") else key
        sums[name] = sums.get(name, 0) + count
    return sums


def _by_step(cells: Cells) -> dict[str, list[float]]:
    """Of all versions together."""
    sums: dict[str, list[float]] = {}
    for (_, step), cell in cells.items():
        sums[step] = [one + other for one, other in zip(sums.get(step, [0.0] * len(cell)), cell, strict=True)]
    return sums


def duration(cell: Sequence[float], bounds: Sequence[float]) -> Duration:
    """A histogram's cell of seconds, in milliseconds."""
    *counts, total = cell
    count = int(sum(counts))
    within = itertools.accumulate(counts[: len(bounds)])
    p95 = next((bound for bound, so_far in zip(bounds, within, strict=True) if so_far >= 0.95 * count), None)
    return Duration(
        count=count,
        mean_ms=round(1000 * total / count, 3) if count else None,
        p95_ms=round(1000 * p95, 3) if count and p95 is not None else None,
    )


def _versions(named: _ByName) -> list[VersionStats]:
    read = tallies({labels: [value] for labels, value in named.values("digitserve_readings_total").items()})
    loaded = {labels[1] for labels in named.values("digitserve_loaded_version_info")}
    confidence, _ = named.cells("digitserve_reading_confidence_ratio")
    return [
        VersionStats(
            version=version,
            readings=tally.readings,
            uncertain=tally.uncertain,
            uncertain_share=round(tally.uncertain_share, 6) if tally.readings else None,
            mean_confidence=_mean(confidence.get((version,))),
            labels=dict(tally.labels),
            loaded=version in loaded,
        )
        for version, tally in sorted({**dict.fromkeys(loaded, Tally()), **read}.items())
    ]


def _mean(cell: Sequence[float] | None) -> float | None:
    count = sum(cell[:-1]) if cell else 0
    return round(cell[-1] / count, 6) if cell and count else None


def _kept(rows: Inventory) -> KeptStats:
    return KeptStats(
        corrections=rows.corrections,
        corrections_waiting=rows.corrections_waiting,
        corrections_held=rows.corrections_held,
        corrections_bytes=rows.corrections_bytes,
        uncertain_pictures=rows.uncertain_pictures,
        files=rows.files,
        files_bytes=rows.files_bytes,
    )


def _shadows(rows: Inventory) -> list[ShadowStats]:
    return [
        ShadowStats(
            model=one.pair.model,
            champion=one.pair.ref(one.pair.champion),
            challenger=one.pair.ref(one.pair.challenger),
            compared=one.compared,
            differed=one.differed,
            champion_right=one.labels.champion,
            challenger_right=one.labels.challenger,
            neither_right=one.labels.neither,
        )
        for one in rows.shadows
    ]


def _processes(named: _ByName) -> list[ProcessStats]:
    started = named.values("digitserve_process_start_time_seconds")
    gauges = {
        "memory_bytes": "digitserve_process_resident_memory_bytes",
        "open_files": "digitserve_process_open_fds",
        "requests_in_progress": "digitserve_requests_in_progress",
        "waiting_rows": "digitserve_waiting_rows",
        "waiting_bytes": "digitserve_waiting_bytes",
    }
    found = {field: _by_process(named.values(name)) for field, name in gauges.items()}
    return [
        ProcessStats(
            process=process, started_at=int(at), **{field: int(its.get(process, 0)) for field, its in found.items()}
        )
        for (process,), at in sorted(started.items())
    ]


def _by_process(values: Mapping[Labels, float]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for labels, value in values.items():
        sums[labels[0]] = sums.get(labels[0], 0.0) + value
    return sums


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
