"""Starts the real server as people do, and loads it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import httpx
import numpy as np
import pytest

from models_store.manifest import FILE, Manifest
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from tests.conftest import FIXTURES, ROOT
from tests.support.patience import PATIENCE_SECONDS, Patience, wait_until, worked
from tests.support.pictures import png
from training.__main__ import main
from training.synthetic import strokes

NOWHERE = "/dev/null/data"  # no folder can ever be made there: MNIST is missing, and nothing is downloaded


@contextmanager
def serving(log: Path, *arguments: str, shipped: bool = False) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A started server and its URL; it is stopped at the end whatever happens.

    The first version is `digits@1`, unless the `shipped` one shall keep its own number.
    """
    if not shipped:
        open_store(Path(os.environ["DIGITSERVE_STORE_DIR"]))  # tests/conftest.py numbers it
    with log.open("w") as output:
        child = start(output, *arguments)
    try:
        yield child, _wait_until_ready(child, log)
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait(PATIENCE_SECONDS)


def start(output: IO[str], *arguments: str) -> subprocess.Popen[bytes]:
    """`digitserve serve` on a port that the system chooses, writing to `output`."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`digitserve` with these arguments, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip


def caller(url: str) -> httpx.Client:
    """A client of that server, which waits for its answers as long as the machine needs."""
    return httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_SECONDS)


def events(log: Path, name: str) -> list[dict[str, object]]:
    """What the server logged under that event, in order."""
    said = (line for line in log.read_text().splitlines() if line.startswith("{") and name in line)
    return [line for line in map(json.loads, said) if line["event"] == name]


def until(log: Path, name: str, count: int = 1) -> list[dict[str, object]]:
    """Waits until an event was logged `count` times."""

    def logged() -> list[dict[str, object]]:
        found = events(log, name)
        return found if len(found) >= count else []

    return wait_until(logged, progress=lambda: f"{count} times {name} in {log.read_text()[-3000:]}")


def _wait_until_ready(child: subprocess.Popen[bytes], log: Path) -> str:
    url = str(until(log, "listening")[0]["url"])
    assert child.poll() is None, log.read_text()
    assert httpx.get(f"{url}/readyz", timeout=PATIENCE_SECONDS, trust_env=False).status_code == 200
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
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False) as http:
            while not self._stop.is_set():
                try:
                    answer = await http.post(f"{self._url}/v1/predict", content=self._picture, headers=headers)
                    self.answers[answer.status_code, str(answer.json().get("model"))] += 1
                except httpx.ConnectError:
                    self.unsent += 1
                    await asyncio.sleep(0.05)
                except httpx.TransportError as error:
                    self.broken.append(repr(error))


@dataclass(frozen=True)
class Told:
    """What one command left: its exit code, and what it wrote."""

    code: int
    out: str
    error: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines of a report."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def result(self) -> dict[str, Any]:
        """The last word of a command that did what it was told."""
        assert self.code == 0, self.error
        return self.events[-1]

    @property
    def notes(self) -> list[str]:
        return [event["text"] for event in self.events if event["event"] == "note"]

    @property
    def sentence(self) -> str:
        """What a refused command says: one line, and no more."""
        assert self.code == 2, self.error or self.out[-1000:]
        (line,) = self.error.splitlines()
        assert line.startswith("training: ")
        return line.removeprefix("training: ")


class Typed:
    """`python -m training` without the seconds that a process of its own takes to start."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *always: object) -> None:
        self._capsys = capsys
        self._always = always  # arguments of every command

    def __call__(self, *arguments: object) -> Told:
        self._capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DIGITSERVE_DATA_DIR", os.environ.get("DIGITSERVE_DATA_DIR", NOWHERE))
            try:
                code = main([*map(str, (*arguments, *self._always)), "--threads", "1"])
            except SystemExit as end:  # argparse's own
                code = int(str(end.code))
        return Told(code, *self._capsys.readouterr())


def training(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """`python -m training` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "training", *map(str, arguments), "--threads", "1"],
        cwd=ROOT, env={"DIGITSERVE_DATA_DIR": NOWHERE, **os.environ, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # `nohup make test &` has it ignored
    )  # fmt: skip


def ended(child: subprocess.Popen[str]) -> Told:
    """What the process left when it is done."""
    patience = Patience("the command to end", progress=lambda: worked(child.pid))
    while True:
        try:
            out, error = child.communicate(timeout=1)
            return Told(child.returncode, out, error)
        except subprocess.TimeoutExpired:
            patience.pause()


def published(store: Path, ref: str) -> Version:
    """A version of which every byte is as it was published."""
    return Registry(store).verify(Ref.parse(ref))


def left_in(store: Path) -> dict[str, list[int]]:
    """Every version in a store, in which nothing is half-written."""
    assert not list(store.rglob(".staging-*"))
    registry = Registry(store)
    return {name: registry.versions(name) for name in registry.models()}


def drawn(folder: Path, digits: Iterable[int], each: int, seed: int = 1) -> Path:
    """A folder per digit, of pictures of 28x28 pixels that no one else has."""
    rng = np.random.default_rng(seed)
    for digit in digits:
        (folder / str(digit)).mkdir(parents=True)
        for number in range(each):
            (folder / str(digit) / f"{number:03}.png").write_bytes(png(strokes.unit(digit, rng)))
    return folder


def small_champion(store: Path) -> Registry:
    """A store with the shipped version as `digits@1`, and with a champion `digits@2` of 7,000 parameters, from which a
    job learns in a moment: the first version of tests/fixtures/README.md."""
    registry = open_store(store)
    with registry.stage("digits") as folder, zipfile.ZipFile(FIXTURES / "state-2026-11.zip") as archive:
        for name in archive.namelist():
            if (path := PurePosixPath(name)).is_relative_to("store/small/1"):
                target = folder / path.relative_to("store/small/1")
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(archive.read(name))
        small = registry.publish("digits", folder, Manifest.from_bytes((folder / FILE).read_bytes()))
    registry.promote("digits", small.number, expected=registry.aliases("digits")["champion"])
    return registry
