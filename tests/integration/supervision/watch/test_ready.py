"""`/readyz` says what is so: in each state it is held against what the service really answers."""

import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings
from app.storage.db import Database
from models_store import durable
from models_store.registry import Registry
from tests.conftest import EXAMPLES, republished, running
from tests.support.ordered import claimed, expire
from tests.support.pictures import png
from tests.unit.models_store.datasets.test_clean import unit

PICTURE = (EXAMPLES / "7.png").read_bytes()
PNG = {"content-type": "image/png"}


async def honest(http: httpx.AsyncClient) -> str | None:
    """The version that is said to answer, and does; None where it is said that none does, and none does."""
    ready = await http.get("/readyz")
    read = await http.post("/v1/predict", content=PICTURE, headers=PNG)
    assert (ready.status_code, read.status_code) in ((200, 200), (503, 503)), (ready.text, read.text)
    if ready.status_code == 200:
        assert ready.json()["model"] == read.json()["model"]
        return str(read.json()["model"])
    assert ready.json()["code"] == "not_ready" and int(ready.headers["retry-after"]) > 0
    return None


@asynccontextmanager
async def serving(store: Path, **given: object) -> AsyncIterator[tuple[httpx.AsyncClient, FastAPI]]:
    app = create_app(Settings(store_dir=store, **given))  # type: ignore[arg-type]
    async with running(app) as http:
        yield http, app


def end_children() -> None:
    """Kills all children of this process that decode pictures."""
    for task in Path("/proc/self/task").iterdir():
        for pid in map(int, (task / "children").read_text().split()):
            if b"app.decoding.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def damage(registry: Registry, number: int) -> None:
    file = registry.root / "digits" / str(number) / "model.pt"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


async def test_a_champion_that_is_refused_and_previous_in_its_place(registry: Registry) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    damage(registry, 2)
    async with serving(registry.root) as (http, _):
        assert await honest(http) == "digits@1"


async def test_a_promotion_to_a_version_that_is_refused(registry: Registry) -> None:
    republished(registry)
    damage(registry, 2)
    async with serving(registry.root) as (http, _):
        assert await honest(http) == "digits@1"
        aliases = registry.root / "digits" / "aliases.json"  # no route promotes what is damaged
        durable.write(aliases, json.dumps({"champion": 2, "previous": 1}).encode())
        while not await _is_refused(http):
            pass
        assert await honest(http) == "digits@1"


async def _is_refused(http: httpx.AsyncClient) -> bool:
    told = (await http.get("/metrics")).text
    return "digitserve_versions_refused_total{" in told and 'version="digits@2"' in told


async def test_no_version_that_can_serve_and_then_one(registry: Registry) -> None:
    whole = (registry.root / "digits" / "1" / "model.pt").read_bytes()
    damage(registry, 1)
    async with serving(registry.root, default_model="other") as (http, _):
        ready = await http.get("/readyz")
        assert (ready.status_code, "other" in ready.json()["detail"]) == (503, True)
        (registry.root / "digits" / "1" / "model.pt").write_bytes(whole)
        shutil.copytree(registry.root / "digits", registry.root / "other")

        async def is_ready() -> bool:
            return (await http.get("/readyz")).status_code == 200

        while not await is_ready():
            pass
        assert await honest(http) == "other@1"


async def test_a_store_that_went_away(registry: Registry) -> None:
    async with serving(registry.root) as (http, _):
        assert await honest(http) == "digits@1"
        shutil.rmtree(registry.root)
        assert await honest(http) == "digits@1", "it is in memory"


async def test_a_process_that_is_about_to_end(registry: Registry) -> None:
    async with serving(registry.root) as (http, app):
        app.state.drain.begin()
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.headers["connection"]) == (503, "close")
        assert "about to end" in ready.json()["detail"]


async def test_no_decoding_child_to_be_had(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(registry.root) as (http, _):
        assert await honest(http) == "digits@1"
        with monkeypatch.context() as patched:
            patched.setattr(sys, "executable", "/nowhere")
            end_children()
            assert await honest(http) is None
            ready = await http.get("/readyz")
            assert "decodes pictures" in ready.json()["detail"]
            own = await http.post("/v1/predict", content=png(unit(1)), headers=PNG)
            assert own.status_code == 200, "digits in MNIST's format need no child"
        assert await honest(http) == "digits@1"


async def test_killed_children_are_replaced_before_it_is_asked(registry: Registry) -> None:
    async with serving(registry.root) as (http, _):
        assert await honest(http) == "digits@1"
        end_children()
        assert await honest(http) == "digits@1"


async def test_jobs_and_workers_have_no_part_in_it(registry: Registry, tmp_path: Path) -> None:
    """A job whose worker is dead, and no other one."""
    settings = Settings(store_dir=registry.root, state_dir=tmp_path / "state")
    database = Database(settings.database)
    claimed(database)
    expire(database)
    database.close()
    async with serving(registry.root, state_dir=tmp_path / "state") as (http, _):
        assert await honest(http) == "digits@1"
        stats = (await http.get("/v1/stats")).json()
        assert stats["jobs"]["oldest_heartbeat_seconds"] > 3500
