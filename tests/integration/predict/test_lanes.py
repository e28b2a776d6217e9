"""Who waits for whom: addresses take turns, who hangs up leaves no work behind, a batch is weighed by its headers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from app.decoding.decoder import Decoder
from app.main import create
from app.settings import Settings
from app.web.connection import CONNECTION
from tests.conftest import running
from tests.support.lines import Line
from tests.support.patience import until
from tests.support.pictures import encoded, png
from tests.unit.models_store.datasets.test_clean import unit

DRAWING = png(np.pad(np.zeros((60, 12), np.uint8), 30, constant_values=250))
LARGE = encoded(np.full((700, 700), 240, np.uint8), "WEBP")  # it is soon done
SIXTEEN = encoded(np.full((4000, 4000), 240, np.uint8), "WEBP", method=0)  # million pixels
WEBP = {"content-type": "image/webp"}


@dataclass
class Service:
    """One whose children can be stopped."""

    app: FastAPI
    decoder: Decoder

    def at(self, address: str) -> httpx.AsyncClient:
        """A client at that address."""
        transport = httpx.ASGITransport(self.app, client=(address, 50_000))
        return httpx.AsyncClient(transport=transport, base_url="http://test", timeout=None)


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    decoder = Decoder(cpu_seconds=600)
    monkeypatch.setattr(create, "Decoder", lambda *_, **__: decoder)
    app = create.create_app(Settings(store_dir=tmp_path / "store", insecure=True))
    async with running(app):
        yield Service(app, decoder)


async def _stopped_large_child(service: Service) -> int:
    """The child that large pictures wait for, which does nothing until it is told to go on."""
    small = set(service.decoder.pids)
    async with service.at("10.0.0.1") as http:
        assert (await http.post("/v1/predict", content=LARGE, headers=WEBP)).status_code == 200
    (pid,) = set(service.decoder.pids) - small
    os.kill(pid, signal.SIGSTOP)
    return pid


async def test_addresses_take_turns(service: Service) -> None:
    pid, ended = await _stopped_large_child(service), list[str]()

    async def ask(http: httpx.AsyncClient, who: str) -> None:
        assert (await http.post("/v1/predict", content=LARGE, headers=WEBP)).status_code == 200
        ended.append(who)

    async with service.at("10.0.0.1") as crowd, service.at("10.0.0.2") as one:
        asked = [asyncio.create_task(ask(crowd, "crowd")) for _ in range(4)]
        await asyncio.sleep(0.2)  # they have come first
        asked.append(asyncio.create_task(ask(one, "one")))
        await asyncio.sleep(0.2)
        small = await one.post("/v1/predict", content=DRAWING, headers={"content-type": "image/png"})
        assert small.status_code == 200 and ended == []  # it waits for none of them
        os.kill(pid, signal.SIGCONT)
        await asyncio.gather(*asked)
    assert ended.index("one") <= 1


async def test_who_hangs_up_leaves_no_work_behind(service: Service) -> None:
    pid = await _stopped_large_child(service)
    line = Line()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": LARGE}

    async def send(_: object) -> None:
        pass

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/v1/predict",
        "raw_path": b"/v1/predict", "query_string": b"", "root_path": "", "client": ("10.0.0.3", 50_000),
        "server": ("test", 80), CONNECTION: line,
        "headers": [(b"content-type", b"image/webp"), (b"content-length", b"%d" % len(LARGE)), (b"host", b"test")],
    }  # fmt: skip
    hanging = asyncio.create_task(service.app(scope, receive, send))
    await until(lambda: line.is_waited_on)
    await asyncio.sleep(0.2)
    line.go()
    await hanging
    async with service.at("10.0.0.4") as other:  # would wait for the stopped child
        assert (await other.post("/v1/predict", content=LARGE, headers=WEBP)).status_code == 200
    assert pid not in service.decoder.pids


async def test_a_batch_is_weighed_before_a_pixel_of_it_is_decoded(service: Service) -> None:
    pids = service.decoder.pids
    files = [("files", ("page.webp", SIXTEEN, "image/webp"))] * 5
    async with service.at("10.0.0.1") as http:
        refused = await http.post("/v1/predict/batch", files=files)
        assert refused.status_code == 422 and refused.json()["code"] == "batch_too_large"
        assert service.decoder.pids == pids  # there is no child for large pictures yet
        twice = png(unit(1))[:33] + encoded(np.zeros((5000, 3000), np.uint8), "PNG")[8:]  # two headers
        answer = await http.post("/v1/predict/batch", files=[("files", ("a.png", twice, "image/png"))] * 9)
        assert [one["error"]["code"] for one in answer.json()["predictions"]] == ["image_invalid"] * 9
