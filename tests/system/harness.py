"""Starts the real server as people do, and loads it. It knows the command line and the HTTP interface."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest

from tests.conftest import ROOT

START_SECONDS = 90


@contextmanager
def serving(log: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A started server and its URL; it is stopped at the end whatever happens."""
    with log.open("w") as output:
        child = start(output, *arguments)
    try:
        yield child, _wait_until_ready(child, log)
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait(60)


def start(output: IO[str], *arguments: str) -> subprocess.Popen[bytes]:
    """`digitserve serve` on a port that the system chooses, writing to `output`."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)


def events(log: Path, name: str) -> list[dict[str, object]]:
    """What the server logged under that event, in order."""
    lines = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == name]


def until(log: Path, name: str, count: int = 1) -> list[dict[str, object]]:
    """Waits until an event was logged `count` times."""
    for _ in range(START_SECONDS * 20):
        found = events(log, name)
        if len(found) >= count:
            return found
        time.sleep(0.05)
    pytest.fail(f"{name} was not logged {count} times: {log.read_text()[-3000:]}")


def _wait_until_ready(child: subprocess.Popen[bytes], log: Path) -> str:
    url = str(until(log, "listening")[0]["url"])
    assert child.poll() is None, log.read_text()
    assert httpx.get(f"{url}/readyz", timeout=START_SECONDS, trust_env=False).status_code == 200
    return url


class Load:
    """So many connections that post one picture again and again, and what became of each request."""

    def __init__(self, url: str, picture: bytes, connections: int) -> None:
        self.answers: Counter[tuple[int, str]] = Counter()  # (status, model)
        self.unsent = 0  # no connection: the server never saw the request
        self.broken: list[str] = []  # sent, and not answered
        self._stop = asyncio.Event()
        self._url = url
        self._picture = picture
        self._connections = connections

    async def __aenter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self._connections)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    @property
    def statuses(self) -> set[int]:
        return {status for status, _ in self.answers}

    async def _client(self) -> None:
        headers = {"content-type": "image/png"}
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            while not self._stop.is_set():
                try:
                    answer = await http.post(f"{self._url}/v1/predict", content=self._picture, headers=headers)
                    self.answers[answer.status_code, str(answer.json().get("model"))] += 1
                except httpx.ConnectError:
                    self.unsent += 1
                    await asyncio.sleep(0.05)
                except httpx.TransportError as error:
                    self.broken.append(repr(error))
