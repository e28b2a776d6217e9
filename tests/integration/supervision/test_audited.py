"""Every act that decides what serves or what is kept is in the log, with who did it: done here through the real app."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from app.storage.audit.acting import act_as, acting
from app.storage.db import Database
from app.web.access.key_store import KeyStore
from models_store.registry import Registry
from models_store.shipped_version import open_store
from tests.conftest import republished, running
from tests.support.databases import Postgres
from tests.support.pictures import png
from tests.support.uploading import digits
from tests.unit.models_store.datasets.test_clean import unit

AUDIT = "/v1/audit"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state")


@pytest.fixture
def versions(settings: Settings) -> Registry:
    """digits@1, the champion, and digits@2 to 4."""
    registry = open_store(settings.store_dir)
    for _ in range(3):
        republished(registry)
    return registry


@pytest.fixture
def key(settings: Settings) -> tuple[str, str]:
    """One that allows everything, and how the log names it."""
    with closing(Database(settings.database)) as database:
        shown, row = KeyStore(database).create("alice", ["admin"])
    return shown, f"key:{row.id}"


@pytest.fixture
async def http(settings: Settings, versions: Registry, key: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    before = acting()
    async with running(create_app(settings)) as client:
        client.headers["authorization"] = f"Bearer {key[0]}"
        yield client
    act_as(before)


async def listed(http: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await http.get(AUDIT, params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def test_acts_are_there_with_key_request_and_outcome(http: httpx.AsyncClient, key: tuple[str, str]) -> None:
    champion, models = "/v1/models/digits/aliases/champion", "/v1/models"
    asked = [
        await http.put(champion, json={"version": 2, "expected": 1}, headers={"x-request-id": "mine-1"}),
        await http.put(champion, json={"version": 2, "expected": 1}),
        await http.post(f"{models}/digits/rollback"),
        await http.put(f"{models}/digits/aliases/candidate", json={"version": 3, "expected": None}),
        await http.delete(f"{models}/digits/aliases/candidate", params={"expected": 3}),
        await http.delete(f"{models}/digits@4"),
        await http.delete(f"{models}/digits@1"),
    ]
    assert [one.status_code for one in asked] == [200, 409, 200, 200, 200, 200, 409]
    found = [one for one in await listed(http, limit=100) if one["outcome"] != "begun"][::-1]
    assert [(one["what"], one["target"], one["outcome"]) for one in found] == [
        ("key_created", key[1], "done"),
        ("version_promoted", "digits@2", "done"),
        ("version_promoted", "digits@2", "refused"),
        ("version_rolled_back", "digits", "done"),
        ("alias_set", "digits@3", "done"),
        ("alias_removed", "digits@candidate", "done"),
        ("version_deleted", "digits@4", "done"),
        ("version_deleted", "digits@1", "refused"),
    ]
    assert {one["who"] for one in found[1:]} == {key[1]}
    assert [one["request_id"] for one in found[1:]] == [one.headers["x-request-id"] for one in asked]
    assert found[1]["request_id"] == "mine-1" and found[0]["details"]["name"] == "alice"
    assert not any(one["is_open"] for one in await listed(http, limit=100))


async def test_data_sets_jobs_and_many_corrections_are_there_and_single_ones_are_not(http: httpx.AsyncClient) -> None:
    data = digits(12)
    file = (await http.post("/v1/files", files={"file": ("private name.zip", data)})).json()["id"]
    job = (await http.post("/v1/fine_tuning/jobs", json={"model": "digits", "training_file": file})).json()["id"]
    for move in ("pause", "resume", "cancel"):
        assert (await http.post(f"/v1/fine_tuning/jobs/{job}/{move}")).status_code == 200
    assert (await http.post(f"/v1/fine_tuning/jobs/{job}/cancel")).status_code == 409
    assert (await http.delete(f"/v1/files/{file}")).status_code == 200
    ids = []
    for seed in range(3):
        given = await http.post("/v1/feedback", files={"file": png(unit(seed))}, data={"label": "7"})
        ids.append(given.json()["id"])
    assert (await http.delete(f"/v1/feedback/{ids[0]}")).status_code == 200
    assert (await http.delete("/v1/feedback", params={"model": "digits"})).json()["removed"] == 2
    held = await http.post("/v1/feedback/held/release", json={"model": "digits"})
    assert held.json()["released"] == 0
    found = (await listed(http, limit=100))[::-1][1:]
    assert [(one["what"], one["target"]) for one in found] == [
        ("job_created", job), ("job_paused", job), ("job_resumed", job), ("job_cancelled", job),
        ("data_set_deleted", file), ("corrections_deleted", None), ("corrections_released", None),
    ]  # fmt: skip
    assert found[0]["details"]["by_itself"] is False and found[5]["details"]["count"] == 2
    assert "private" not in str(found)


async def test_it_is_read_a_page_at_a_time_and_by_what_who_and_when(http: httpx.AsyncClient) -> None:
    for number in (2, 3):
        now = 1 if number == 2 else 2
        await http.put("/v1/models/digits/aliases/champion", json={"version": number, "expected": now})
    page = (await http.get(AUDIT, params={"limit": 2})).json()
    assert page["has_more"] and [one["id"] for one in page["data"]] == ["audit-5", "audit-4"]
    rest = (await http.get(AUDIT, params={"after": page["last_id"]})).json()
    assert not rest["has_more"] and rest["first_id"] == "audit-3" and rest["last_id"] == "audit-1"
    assert [one["id"] for one in await listed(http, what="key_created")] == ["audit-1"]
    assert len(await listed(http, who="key:")) == 4 and await listed(http, who="user:") == []
    assert len(await listed(http, target="digits@3")) == 2
    assert await listed(http, until=1_700_000_000) == [] and len(await listed(http, since=1_700_000_000)) == 5
    for query, status in (({"after": "audit-0"}, 404), ({"after": "x"}, 404), ({"what": "x"}, 422), ({"who": ""}, 422)):
        assert (await http.get(AUDIT, params=query)).status_code == status


async def test_promotion_goes_on_without_the_database_and_the_log_says_what_is_not_written(
    tmp_path: Path, postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = open_store(tmp_path / "store")
    republished(registry)
    with postgres.database() as name:
        settings = Settings(store_dir=registry.root, state_dir=tmp_path / "state", database_url=postgres.url(name))
        with closing(Database(settings.database)) as database:
            key, row = KeyStore(database).create("alice", ["admin"])
        async with running(create_app(settings)) as client:
            client.headers.update({"authorization": f"Bearer {key}", "x-request-id": "mine-2"})
            assert (await client.get(AUDIT)).status_code == 200  # the key is known
            postgres.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
            postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            capsys.readouterr()
            body = {"version": 2, "expected": 1}
            answer = await client.put("/v1/models/digits/aliases/champion", json=body)
    assert answer.status_code == 200 and registry.aliases("digits")["champion"] == 2
    said = [line for line in capsys.readouterr().out.splitlines() if "audit_not_written" in line]
    assert len(said) == 2
    for outcome, line in zip(("begun", "done"), said, strict=True):
        assert all(word in line for word in (outcome, "digits@2", "version_promoted", "mine-2", f"key:{row.id}"))
