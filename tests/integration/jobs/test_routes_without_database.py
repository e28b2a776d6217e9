"""While the database is down or slow, jobs say so, and everything else goes on."""

import asyncio
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.jobs.job import Job
from app.jobs.store import JobStore
from app.main import create_app
from app.settings import Settings
from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import EXAMPLES, running
from tests.contracts.test_errors import check_shape
from tests.support.databases import Postgres
from tests.support.jobs_http import JOBS, serving
from tests.support.leaping import LeapingLoop, leap
from tests.support.patience import PATIENCE_SECONDS, until

PICTURE = (EXAMPLES / "7.png").read_bytes()
JOB = f"{JOBS}/ftjob-{'0' * 24}"


async def test_predict_goes_on_while_jobs_wait_and_are_refused() -> None:
    nobody = "postgresql+psycopg://nobody@127.0.0.1:1/none"  # nothing listens on port 1
    async with running(create_app(Settings(database_url=nobody))) as http:

        async def refused(method: str, url: str, **content: object) -> None:
            answer: httpx.Response = await http.request(method, url, **content)  # type: ignore[arg-type]
            check_shape(answer)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable"), url

        body = {"model": "digits", "training_file": "file-" + "0" * 24}
        await asyncio.gather(
            refused("POST", JOBS, json=body),
            refused("GET", f"{JOB}/events", headers={"accept": "text/event-stream"}),
            *(refused("POST", f"{JOB}/{move}") for move in ("cancel", "pause", "resume")),
            *(refused("GET", url) for url in (JOBS, JOB, f"{JOB}/events", f"{JOB}/checkpoints")),
        )
        answer = await http.post("/v1/predict", content=PICTURE, headers={"content-type": "image/png"})
        assert (answer.status_code, answer.json()["label"]) == (200, "7")
        assert (await http.get("/v1/models/digits")).json()["id"] == "digits@1"
        assert (await http.get("/readyz")).status_code == 200
        await refused("POST", "/v1/models/digits/rollback")  # are there keys? Then this would need one
        await refused("POST", "/v1/predict", content=PICTURE, headers={"content-type": "image/png", "via": "1.1 proxy"})


async def test_where_others_reach_it_nobody_is_let_in_before_it_is_known_whether_there_are_keys() -> None:
    nobody = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    async with running(create_app(Settings(database_url=nobody, host="0.0.0.0"))) as http:
        answer = await http.post("/v1/predict", content=PICTURE, headers={"content-type": "image/png"})
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
        assert "does not say who may ask" in ready.json()["detail"]
        assert (await http.get("/healthz")).status_code == 200


async def test_predict_goes_on_while_a_database_is_away_that_was_read(tmp_path: Path, postgres: Postgres) -> None:
    with postgres.database() as name:
        async with running(create_app(Settings(database_url=postgres.url(name)))) as http:
            assert (await http.get(JOBS)).status_code == 200
            postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            answer = await http.get(JOBS)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            read = await http.post("/v1/predict", content=PICTURE, headers={"content-type": "image/png"})
            assert read.json()["label"] == "7"
            assert (await http.get("/v1/models/digits")).json()["id"] == "digits@1"
            assert (await http.get("/readyz")).status_code == 200


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"loop_factory": LeapingLoop}


class Slow(JobStore):
    """A store that answers `get` when it is let."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.let = threading.Event()
        self.begun = 0

    def get(self, job_id: str) -> Job:
        self.begun += 1
        assert self.let.wait(PATIENCE_SECONDS)
        return super().get(job_id)


@pytest.mark.parametrize(("tail", "accept"), [("", "*/*"), ("/events", "text/event-stream")])
async def test_who_gets_no_turn_is_told_and_who_has_one_is_answered(
    registry: Registry, tmp_path: Path, tail: str, accept: str
) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        store = Slow(database)
        async with serving(database, registry, tmp_path / "state", store, wait_seconds=60) as service:
            job_id = await service.job()
            store.cancel(job_id)
            asked = [
                asyncio.create_task(service.http.get(f"{JOBS}/{job_id}{tail}", headers={"accept": accept}))
                for _ in range(12)
            ]

            def are_told() -> bool:
                leap(60)
                return sum(one.done() for one in asked) == 4

            try:
                await until(lambda: store.begun == 8)
                await until(are_told)
            finally:
                store.let.set()
            answers = await asyncio.gather(*asked)
    assert Counter(answer.status_code for answer in answers) == {200: 8, 503: 4}
    for answer in answers:
        if answer.status_code == 503:
            check_shape(answer)
