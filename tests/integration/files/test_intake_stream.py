"""An upload on its way: little memory, few at a time, nothing held up, and nothing left of one that broke off."""

import asyncio
import hashlib
import os
import threading
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from app.web.connection import CONNECTION
from models_store.specs import InputSpec
from tests.support.lines import Line
from tests.support.patience import PATIENCE_SECONDS, until
from tests.support.uploading import FILES, ZIP, Service, digits, picture, serving

MEGABYTE = 2**20
BEGIN = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
END = b"\r\n--edge--\r\n"
MULTIPART = {"content-type": "multipart/form-data; boundary=edge"}


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A zip of 50 MiB: 50 pictures whose files end in a megabyte of noise."""
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for seed in range(50):
            archive.writestr(f"7/{seed}.png", picture(seed) + os.urandom(MEGABYTE))
    return path


@pytest.mark.parametrize("wrapped", [True, False])
async def test_no_more_than_a_few_pieces_are_in_memory(large: Path, tmp_path: Path, wrapped: bool) -> None:
    """50 MiB go in and come out; reading them holds one picture's file."""

    async def body() -> AsyncIterator[bytes]:
        yield BEGIN if wrapped else b""
        with large.open("rb") as file:
            while chunk := file.read(65_536):
                yield chunk
        yield END if wrapped else b""

    digest, size = hashlib.sha256(), 0
    async with serving(tmp_path) as service:
        await service.http.get(FILES)  # makes the database
        tracemalloc.start()
        try:
            answer = await service.http.post(FILES, content=body(), headers=MULTIPART if wrapped else ZIP)
            made = answer.json()
            _, coming = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert answer.status_code == 200 and made["report"]["kept"] == 50
        assert made["bytes"] == large.stat().st_size > 50 * MEGABYTE
        assert coming < 12 * MEGABYTE
        _, file = service.store.open(made["id"])
        with file:
            while chunk := file.read(MEGABYTE):
                digest.update(chunk)
                size += len(chunk)
        assert (digest.hexdigest(), size) == (made["sha256"], made["bytes"])
        assert digest.digest() == hashlib.sha256(large.read_bytes()).digest()


async def test_content_goes_out_in_pieces(large: Path, tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        made = (await service.http.post(FILES, content=large.read_bytes(), headers=ZIP)).json()
        sent: list[int] = []
        digest = hashlib.sha256()

        async def send(message: Message) -> None:
            body = message.get("body", b"")
            sent.append(len(body))
            digest.update(body)

        await service.app(_scope("GET", f"{FILES}/{made['id']}/content"), _never, send)
        assert digest.hexdigest() == made["sha256"] and max(sent) <= MEGABYTE


def _scope(method: str, path: str, **headers: str) -> dict[str, object]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": b"", "headers": pairs, "scheme": "http",
        "server": ("test", 80), "client": ("test", 1), "root_path": "",
    }  # fmt: skip


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


class Gate:
    """An InputSpec for whoever asks, when the gate is open; counts who came."""

    def __init__(self) -> None:
        self.came = 0
        self.open = threading.Event()

    def __call__(self) -> InputSpec:
        self.came += 1
        assert self.open.wait(PATIENCE_SECONDS)
        return InputSpec()


async def test_two_are_read_at_once_and_the_others_wait_without_holding_anything_up(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(tmp_path, spec=gate) as service:

        async def post(count: int) -> httpx.Response:
            return await service.http.post(FILES, content=digits(count), headers=ZIP)

        posts = [asyncio.create_task(post(count)) for count in range(1, 6)]
        await until(lambda: gate.came == 2 and len(list(service.folder.glob("*/data"))) == 5)
        for _ in range(3):
            assert (await service.http.get(FILES)).json()["data"] == []
        assert gate.came == 2
        gate.open.set()
        answers = [await each for each in posts]
        assert [answer.json()["report"]["kept"] for answer in answers] == [1, 2, 3, 4, 5]
        assert gate.came == 5 and len(service.left()) == 5


async def _hang_up(service: Service, *bodies: bytes, when: Callable[[], bool] = lambda: True, **headers: str) -> None:
    """A request whose client is gone after these chunks; a `when` waits for its moment."""
    left = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    if headers.pop("whole", ""):
        left[-1]["more_body"] = False

    async def receive() -> Message:
        if left:
            return left.pop(0)
        await until(when)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    async def leave() -> None:
        await until(lambda: line.is_waited_on and when())
        line.go()

    line = Line()
    leaving = asyncio.create_task(leave())
    await service.app({**_scope("POST", FILES, **headers), CONNECTION: line}, receive, send)
    leaving.cancel()


async def test_an_upload_whose_client_goes_away_leaves_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await _hang_up(service, BEGIN, digits()[:50], content_type=MULTIPART["content-type"])
        await _hang_up(service, digits(), os.urandom(MEGABYTE), content_type="application/zip")
        assert service.left() == [] and service.store.list(1) == ([], False)


async def test_a_set_that_nobody_waits_for_is_not_read_on(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(tmp_path, spec=gate) as service:
        await _hang_up(service, digits(), when=lambda: gate.came == 1, content_type="application/zip", whole="yes")
        assert service.left() == [] and service.store.list(1) == ([], False)
        gate.open.set()
        answer = await service.http.post(FILES, content=digits(), headers=ZIP)
        assert answer.status_code == 200 and len(service.left()) == 1
