"""No field of a request makes the service ask another machine, or open a file of its own, for the one who sent it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running
from tests.support.uploading import packed

PICTURE = (EXAMPLES / "7.png").read_bytes()
JOBS, BATCH, FILES = "/v1/fine_tuning/jobs", "/v1/predict/batch", "/v1/files"
SECRET = "what only this machine may read"


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[bytes]]]:
    """The port of a server on this machine, and what it was asked."""
    asked: list[bytes] = []

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(200))
        writer.close()

    server = await asyncio.start_server(heard, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state")
    async with running(create_app(settings)) as client:
        yield client


def job(**fields: Any) -> dict[str, Any]:
    return {"model": "digits", "training_file": "feedback", **fields}


def bodies_naming(place: str) -> list[tuple[str, dict[str, Any]]]:
    """Requests that name a place wherever a text stands, and wherever another server takes one."""
    whole = json.dumps({"image": place, "label": "7"}).encode()
    table = f"file,label\n{place},7\n".encode()
    jsons: list[tuple[str, object]] = [
        *((JOBS, job(**{name: place})) for name in ("model", "training_file", "validation_file", "suffix", "url")),
        (JOBS, job(method={"type": "supervised", "supervised": {"url": place}})),
        (JOBS, job(metadata={"webhook": place, "callback_url": place})),
        (JOBS, job(integrations=[{"type": "wandb", "wandb": {"project": place, "base_url": place}}])),
        *((BATCH, {"instances": [item]}) for item in ({"b64": place}, {"url": place}, {"image_url": {"url": place}})),
        ("/v1/review/rv-0", {"label": place}),
    ]
    return [
        *(
            (path, {"content": json.dumps(body), "headers": {"content-type": "application/json"}})
            for path, body in jsons
        ),
        *(
            (FILES, {"content": body, "headers": {"content-type": kind}})
            for body, kind in (
                (whole, "application/jsonl"),
                (table, "text/csv"),
                (packed({"labels.csv": table, "7/7.png": PICTURE}), "application/zip"),
            )
        ),
        ("/v1/predict", {"data": {"file": place}}),
        ("/v1/predict", {"data": {"url": place}, "files": {"file": ("7.png", PICTURE)}}),
        ("/v1/predict", {"files": {"file": (place, PICTURE)}}),
        ("/v1/predict", {"params": {"model": place}, "files": {"file": ("7.png", PICTURE)}}),
        ("/v1/feedback", {"data": {"label": "7", "model": place}, "files": {"file": (place, PICTURE)}}),
        ("/v1/feedback", {"data": {"label": place}, "files": {"file": ("7.png", PICTURE)}}),
        ("/v1/models", {"params": {"url": place, "model_name": "x"}}),  # how TorchServe was told what to load
        ("/v1/models/digits/aliases/champion", {"json": {"version": place}}),
    ]


async def test_no_text_of_a_request_is_asked_for_over_a_network(http: httpx.AsyncClient) -> None:
    async with listening() as (port, asked):
        for place in (f"http://127.0.0.1:{port}/7.png", f"//127.0.0.1:{port}\\@example.org/7.png", f"127.0.0.1:{port}"):
            for path, request in bodies_naming(place):
                answer = await http.request("POST", path, **request)
                assert answer.status_code < 500, (path, place, answer.text)
        headers = {
            "x-forwarded-host": f"127.0.0.1:{port}",
            "referer": f"http://127.0.0.1:{port}/",
            "x-original-url": "/",
        }
        await http.get("/v1/models", headers=headers)
        assert asked == []
        _, writer = await asyncio.open_connection("127.0.0.1", port)  # it would have heard
        writer.write(b"heard")
        writer.write_eof()
        await writer.drain()
        while not asked:
            await asyncio.sleep(0)
        writer.close()


async def test_no_text_of_a_request_is_opened_as_a_file(http: httpx.AsyncClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    for place in (f"file://{secret}", str(secret), "../secret.txt", "state/../secret.txt"):
        for path, request in bodies_naming(place):
            answer = await http.request("POST", path, **request)
            assert answer.status_code < 500, (path, place, answer.text)
            assert SECRET not in answer.text
    listed = (await http.get(FILES)).json()["data"]
    contents = [(await http.get(f"{FILES}/{one['id']}/content")).content for one in listed]
    assert not any(SECRET.encode() in content for content in contents)
