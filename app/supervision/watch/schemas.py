"""The shape of `/v1/stats`."""

from typing import Literal

from pydantic import BaseModel, Field

from app.jobs.job import State

REF = ["digits@7"]


class RequestStats(BaseModel):
    """Requests that were answered, since the server was started."""

    answered: int = Field(examples=[18234])
    by_status: dict[str, int] = Field(description="by the status of the answer", examples=[{"200": 18100, "429": 134}])
    by_route: dict[str, int] = Field(
        description="by method and route; what no route takes is `other`", examples=[{"POST /v1/predict": 18000}]
    )
    refused: dict[str, int] = Field(description="by the code of the problem", examples=[{"too_busy": 134}])


class Duration(BaseModel):
    """How long something took, of all times that it was done."""

    count: int = Field(examples=[18000])
    mean_ms: float | None = Field(description="null where it was never done", examples=[0.41])
    p95_ms: float | None = Field(
        description="of twenty, nineteen took no longer; rounded up to the next bound of the histogram, null where it "
        "was never done, or took longer than the last bound",
        examples=[1.0],
    )


class VersionStats(BaseModel):
    """What one version has read since the server was started."""

    version: str = Field(examples=REF)
    readings: int = Field(description="pictures, or digits of pages", examples=[17900])
    uncertain: int = Field(description="of which a person should look at so many", examples=[895])
    uncertain_share: float | None = Field(description="null where it has read nothing", examples=[0.05])
    mean_confidence: float | None = Field(examples=[0.981])
    labels: dict[str, int] = Field(examples=[{"0": 1760, "1": 2011, "7": 1850}])
    loaded: bool = Field(description="in any process, at the moment", examples=[True])


class Baseline(BaseModel):
    """The first readings of a version."""

    readings: int = Field(examples=[1004])
    uncertain_share: float = Field(examples=[0.05])
    labels: dict[str, float] = Field(
        description="shares of the most frequent labels", examples=[{"1": 0.113, "7": 0.1}]
    )


class DriftSignal(BaseModel):
    """One of two signals, in the last whole window."""

    signal: Literal["uncertain", "labels"]
    drifted: bool = Field(description="told after two windows in a row, and taken back likewise", examples=[False])
    label: str | None = Field(description="of `labels`: the one that has moved most clearly", examples=["7"])
    p: float = Field(description="Fisher's exact test, times the labels that were tested", examples=[0.34])
    baseline_share: float = Field(examples=[0.102])
    share: float = Field(description="in the window", examples=[0.117])


class VersionDrift(BaseModel):
    """Whether a version reads otherwise than at first."""

    version: str = Field(examples=REF)
    state: Literal["too_few", "steady", "drifted"]
    baseline: Baseline
    readings: int = Field(description="of the window, or the baseline, that is being filled", examples=[120])
    readings_needed: int = Field(examples=[500])
    window_readings: int = Field(description="of the last whole window; 0 where there was none", examples=[512])
    signals: list[DriftSignal]
    said: str = Field(description="what this means", examples=["What digits@7 reads looks like its baseline."])


class JobStats(BaseModel):
    """Jobs in the database."""

    by_state: dict[State, int] = Field(examples=[{"queued": 2, "running": 1, "succeeded": 40}])
    oldest_heartbeat_seconds: float | None = Field(
        description="since the most silent worker said something of the job that it holds; null where none is held",
        examples=[0.8],
    )
    oldest_waiting_seconds: float | None = Field(
        description="since the queued job was made that waits longest; null where none waits", examples=[41.5]
    )


class KeptStats(BaseModel):
    """What people have sent, and is kept."""

    corrections: int = Field(examples=[412])
    corrections_waiting: int = Field(description="no job has learned from them yet", examples=[37])
    corrections_held: int = Field(description="held back until a person has looked", examples=[3])
    corrections_bytes: int = Field(examples=[1_204_332])
    uncertain_pictures: int = Field(description="that wait for a person", examples=[120])
    files: int = Field(description="data sets", examples=[4])
    files_bytes: int = Field(examples=[52_428_800])


class ShadowStats(BaseModel):
    """A challenger that reads beside a champion."""

    model: str = Field(examples=["digits"])
    champion: str = Field(examples=REF)
    challenger: str = Field(examples=["digits@8"])
    compared: int = Field(examples=[5210])
    differed: int = Field(examples=[61])
    champion_right: int = Field(examples=[12])
    challenger_right: int = Field(examples=[31])
    neither_right: int = Field(examples=[7])


class ProcessStats(BaseModel):
    """One process at the moment. What it has none of is 0."""

    process: str = Field(examples=["api-1"])
    started_at: int = Field(description="Unix time", examples=[1790000000])
    memory_bytes: int = Field(examples=[310_000_000])
    open_files: int = Field(examples=[61])
    requests_in_progress: int = Field(examples=[3])
    waiting_rows: int = Field(description="that wait for a batch", examples=[0])
    waiting_bytes: int = Field(description="that requests hold of the budget", examples=[81_920])


class Stats(BaseModel):
    """What goes on in the server: all its processes together, and what is in the database."""

    object: Literal["stats"] = "stats"
    release: str = Field(examples=["0.1.0"])
    requests: RequestStats
    steps: dict[str, Duration] = Field(description="of reading pictures: prepare, queue, infer")
    batches: int = Field(description="that were computed", examples=[9000])
    rows: int = Field(description="in those", examples=[18000])
    pictures_refused: dict[str, int] = Field(
        description="by code, also within batches", examples=[{"image_invalid": 4}]
    )
    versions: list[VersionStats]
    drift: list[VersionDrift]
    database_up: bool = Field(description="where it is not, `jobs`, `kept` and `shadows` are null", examples=[True])
    jobs: JobStats | None = Field(description="which there are, and how long they wait")
    kept: KeptStats | None = Field(description="what people have sent")
    shadows: list[ShadowStats] | None = Field(description="challengers beside champions")
    disk_free_bytes: dict[str, int] = Field(
        description="for this user, on the disk of the store and of the state; a disk that does not answer is left out",
        examples=[{"store": 52_000_000_000, "state": 52_000_000_000}],
    )
    processes: list[ProcessStats]
