"""While job creations read their data sets, and while long answers are made, nobody else waits."""

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from app.files.inspection import Inspections
from app.jobs.job import JobEvent
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.registry import Registry
from models_store.specs import InputSpec
from tests.integration.jobs.test_builder import with_input
from tests.support.decoding import DECODER
from tests.support.jobs_http import JOBS, serving
from tests.support.patience import PATIENCE_SECONDS, until


class Gated(Inspections):
    """Inspections that begin, and go on when they are let."""

    def __init__(self) -> None:
        super().__init__(DECODER)
        self.begun = 0
        self.closed = False
        self.let = threading.Event()

    async def report(self, path: Path, spec: Callable[[], InputSpec], client: str = "") -> dict[str, Any]:
        def asked() -> InputSpec:
            if self.closed:
                self.begun += 1
                assert self.let.wait(PATIENCE_SECONDS)
            return spec()

        return await super().report(path, asked, client)


async def test_jobs_are_listed_and_cancelled_while_many_creations_read(registry: Registry, tmp_path: Path) -> None:
    with_input(registry, InputSpec(preparation="picture"))
    gate = Gated()
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        async with serving(database, registry, tmp_path / "state", inspections=gate) as service:
            judging = await service.upload({"0": 5}, seed=1)
            gate.closed = True
            asked = [
                asyncio.create_task(
                    service.create(model="photos", validation_file=judging, metadata={"n": str(number)})
                )
                for number in range(10)
            ]
            try:
                await until(lambda: gate.begun == 2)
                job_id = await service.job()  # its data set was read for this input already
                assert [job["id"] for job in (await service.http.get(JOBS)).json()["data"]] == [job_id]
                assert (await service.http.post(f"{JOBS}/{job_id}/cancel")).json()["status"] == "cancelled"
                assert gate.begun == 2 and not any(one.done() for one in asked)
            finally:
                gate.let.set()
            made = [(await one).json() for one in asked]
    assert [(job["base"], job["metadata"]["n"]) for job in made] == [("photos@1", str(number)) for number in range(10)]
    assert gate.begun == 20  # each data set of each job once


class Watched(list[JobEvent]):
    """Events that know which threads went through them."""

    def __init__(self, events: Sequence[JobEvent]) -> None:
        super().__init__(events)
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[JobEvent]:
        self.threads.add(threading.get_ident())
        return super().__iter__()


class Many(JobStore):
    """A store whose jobs all have had ten thousand epochs."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.told = Watched([])

    def events(self, *details: Any, **options: Any) -> tuple[Sequence[JobEvent], bool]:
        (event, *_), _ = super().events(*details, **options)
        one = {"run": "training", "loss": 0.5}
        epochs = (dataclasses.replace(event, type="metrics", data={**one, "epoch": n}) for n in range(1, 10_001))
        self.told = Watched(list(epochs))
        return self.told, False


async def test_epochs_are_gone_through_beside_the_event_loop(registry: Registry, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        store = Many(database)
        async with serving(database, registry, tmp_path / "state", store) as service:
            url = f"{JOBS}/{await service.job()}/checkpoints"
            page = (await service.http.get(url, params={"limit": 3})).json()
            assert store.told.threads and threading.get_ident() not in store.told.threads
            rest = (await service.http.get(url, params={"limit": 2, "after": page["last_id"]})).json()
    assert [point["step_number"] for point in page["data"]] == [10_000, 9_999, 9_998] and page["has_more"]
    assert [point["step_number"] for point in rest["data"]] == [9_997, 9_996]
