"""`/v1/stats` and what `/metrics` says of the database, asked of the service."""

import asyncio
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running
from tests.support.correcting import picture
from tests.support.databases import Postgres

PICTURE = (EXAMPLES / "7.png").read_bytes()
PNG = {"content-type": "image/png"}


async def metrics(http: httpx.AsyncClient) -> dict[str, float]:
    """Samples without labels, and how many samples a name with labels has."""
    answer = await http.get("/metrics")
    assert answer.status_code == 200
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            if set(sample.labels) <= {"state", "place"}:
                found["_".join([sample.name, *sample.labels.values()])] = sample.value
    return found


async def test_both_say_what_was_sent(client: httpx.AsyncClient) -> None:
    for seed in range(3):
        await client.post("/v1/predict", content=picture(seed), headers=PNG)
    await client.post("/v1/predict", content=b"none", headers=PNG)
    given = await client.post("/v1/feedback", files={"file": ("7.png", PICTURE)}, data={"label": "1"})
    assert given.status_code == 201, given.text
    answer = await client.get("/v1/stats")
    assert answer.status_code == 200
    stats = answer.json()
    assert stats["requests"]["by_route"] == {"POST /v1/predict": 4, "POST /v1/feedback": 1}
    assert stats["requests"]["refused"] == {"image_invalid": 1} == stats["pictures_refused"]
    (version,) = stats["versions"]
    assert (version["version"], version["readings"], version["loaded"]) == ("digits@1", 3, True)
    assert sum(version["labels"].values()) == 3
    assert (stats["database_up"], stats["kept"]["corrections"], stats["kept"]["corrections_waiting"]) == (True, 1, 1)
    assert set(stats["disk_free_bytes"]) == {"store", "state"}
    assert [one["process"] for one in stats["processes"]] == ["api-1"]
    told = await metrics(client)
    assert (told["digitserve_database_up"], told["digitserve_corrections_waiting"]) == (1.0, 1.0)
    assert told["digitserve_corrections_bytes"] == stats["kept"]["corrections_bytes"]
    assert told["digitserve_disk_free_bytes_store"] > 0


async def test_a_database_that_does_not_answer_is_told_and_all_else_too() -> None:
    nobody = "postgresql+psycopg://nobody@127.0.0.1:1/none"  # nothing listens on port 1
    async with running(create_app(Settings(database_url=nobody))) as http:
        answers = await asyncio.gather(*(http.get("/v1/stats") for _ in range(5)))
        # whether there are keys is not known, and this needs one
        assert {(one.status_code, one.json()["code"]) for one in answers} == {(503, "database_unavailable")}


async def test_a_database_that_goes_away_and_comes_back(postgres: Postgres, template: str, tmp_path: Path) -> None:
    with postgres.database(template) as name:
        settings = Settings(database_url=postgres.url(name), state_dir=tmp_path / "state")
        async with running(create_app(settings)) as http:
            assert (await http.get("/v1/stats")).json()["database_up"]
            postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            while (stats := (await http.get("/v1/stats")).json())["database_up"]:
                pass
            assert (stats["jobs"], stats["kept"], stats["shadows"]) == (None, None, None)
            assert stats["requests"]["answered"] > 0 and stats["disk_free_bytes"]["store"] > 0
            told = await metrics(http)
            assert told["digitserve_database_up"] == 0.0
            assert "digitserve_files" not in told and "digitserve_disk_free_bytes_state" in told
            postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            while not (await http.get("/v1/stats")).json()["database_up"]:
                pass
            assert (await metrics(http))["digitserve_database_up"] == 1.0
