"""How this service and each peer is started, all with the same net in as many processes, one torch thread each."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load
from benchmarks.peers.install import missing, program
from benchmarks.peers.torchserve import configured
from models_store.machine import cores

OURS, TUTORIAL, MOSEC, TORCHSERVE, LITSERVE, BARE = "DigitServe", "tutorial", "mosec", "torchserve", "litserve", "bare"
# Every check of the door, with limits that no benchmark reaches.
_GUARDED = {
    "DIGITSERVE_ALLOWED_HOSTS": "127.0.0.1,digits.example.org",
    "DIGITSERVE_ALLOWED_ORIGINS": "https://example.org",
    "DIGITSERVE_TRUSTED_PROXIES": "10.0.0.0/8",
    "DIGITSERVE_RATE_REQUESTS": "1000000",
    "DIGITSERVE_RATE_CONCURRENT": "10000",
    "DIGITSERVE_RATE_BYTES": "10000000000",
}
_UVICORN = ("--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools")


@dataclass(frozen=True)
class Way:
    """Where pictures are posted, and in which form."""

    url: str
    form: load.Form


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    name: str
    one: Way
    many: Way | None = None  # up to 256 pictures at once
    pid: int = 0
    key: str = ""  # what it wants to be shown


@contextlib.contextmanager
def ours(
    place: Path, checkout: Path = load.ROOT, processes: int = 0, device: str = "auto", *, guarded: bool = False
) -> Iterator[Running]:
    """This service as it is by default: preparation, ids, log and limits on. Store and state lie in `place`. As many
    processes as it starts by itself where none are asked for. `guarded`: with a key, rates and all other checks.
    """
    port = load.free_port()
    command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
    environment = {
        "DIGITSERVE_STORE_DIR": str(place / "store"),
        "DIGITSERVE_STATE_DIR": str(place / "state"),
        "DIGITSERVE_WORKERS": str(processes),
        "DIGITSERVE_DEVICE": device,
        "PYTHONPATH": str(checkout),
    }
    key = ""
    if guarded:
        environment |= _GUARDED
        making = [sys.executable, "-m", "app", "keys", "create", "benchmark", "--scope", "predict"]
        made = subprocess.run(
            making, cwd=checkout, env={**os.environ, **environment}, check=True, capture_output=True, text=True
        )
        key = next(word for word in made.stdout.split() if word.startswith("ds_"))
    url = f"http://127.0.0.1:{port}"
    with load.process(command, environment, f"{url}/readyz", checkout) as child:
        many = Way(f"{url}/v1/predict/batch", load.multipart("files"))
        yield Running(OURS, Way(f"{url}/v1/predict", load.multipart("file")), many, child.pid, key)


@contextlib.contextmanager
def tutorial(model: Path) -> Iterator[Running]:
    """FastAPI as tutorials have it, in the environment of this project."""
    with _uvicorn("benchmarks.peers.tutorial:app", model, "/openapi.json") as (url, pid):
        many = Way(f"{url}/batch", load.multipart("files"))
        yield Running(TUTORIAL, Way(f"{url}/predict", load.multipart("file")), many, pid)


@contextlib.contextmanager
def bare(model: Path) -> Iterator[Running]:
    """uvicorn with a constant answer."""
    with _uvicorn("benchmarks.peers.constant:app", model, "/") as (url, pid):
        yield Running(BARE, Way(url, load.multipart("file")), pid=pid)


@contextlib.contextmanager
def _uvicorn(app: str, model: Path, ready: str) -> Iterator[tuple[str, int]]:
    port = load.free_port()
    place = ["--port", str(port), "--workers", str(cores())]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", app, *place, *_UVICORN]
    with load.process(command, {"MODEL": str(model)}, url + ready) as child:
        yield url, child.pid


@contextlib.contextmanager
def mosec(model: Path, python: Path) -> Iterator[Running]:
    """Batches of up to 32 that wait at most 1 ms: its best setting here."""
    with _module("benchmarks.peers.mosec_app", model, python, "--address", "127.0.0.1", "--log-level", "warning") as it:
        yield Running(MOSEC, Way(f"{it[0]}/predict", load.raw), Way(f"{it[0]}/batch", load.in_json), it[1])


@contextlib.contextmanager
def litserve(model: Path, python: Path) -> Iterator[Running]:
    """Batches of up to 32 that wait at most 2 ms."""
    with _module("benchmarks.peers.litserve_app", model, python) as (url, pid):
        yield Running(LITSERVE, Way(f"{url}/predict", load.multipart("file")), Way(f"{url}/batch", load.in_json), pid)


@contextlib.contextmanager
def _module(name: str, model: Path, python: Path, *options: str) -> Iterator[tuple[str, int]]:
    port = load.free_port()
    command = [str(python), "-m", name, "--port", str(port), *options]
    environment = {"MODEL": str(model), "WORKERS": str(cores()), "PYTHONPATH": str(load.ROOT)}
    url = f"http://127.0.0.1:{port}"
    with load.process(command, environment, url) as child:
        yield url, child.pid


@contextlib.contextmanager
def torchserve(model: Path, python: Path, place: Path) -> Iterator[Running]:
    """As benchmarks.peers.torchserve configures it, in `place`."""
    command, environment, url = configured(place, model, python.parent)
    with load.process(command, environment, f"{url}/ping", place) as child:
        way = f"{url}/predictions/digits"
        yield Running(TORCHSERVE, Way(way, load.raw), Way(way, load.in_json), child.pid)


def startable(model: Path, place: Path, peers: Path | None = None) -> "Startable":
    """Every server that is installed, by its name, and a line for each that is not. Bare uvicorn is among them."""
    found: dict[str, contextlib.AbstractContextManager[Running]] = {OURS: ours(place / "ours")}
    pythons = {name: program(name, place=peers) for name in (MOSEC, TORCHSERVE, LITSERVE)}
    lines = [missing(name) for name, python in pythons.items() if python is None]
    if pythons[TORCHSERVE] and shutil.which("java") is None:
        pythons[TORCHSERVE] = None
        lines.append("torchserve is left out: it needs Java (apt-get install openjdk-17-jre-headless)")
    if python := pythons[MOSEC]:
        found[MOSEC] = mosec(model, python)
    if python := pythons[TORCHSERVE]:
        found[TORCHSERVE] = torchserve(model, python, place / "torchserve")
    if python := pythons[LITSERVE]:
        found[LITSERVE] = litserve(model, python)
    found[TUTORIAL] = tutorial(model)
    found[BARE] = bare(model)
    return Startable(found, lines)


@dataclass(frozen=True)
class Startable:
    """What can be started, and what is said of the peers that can't."""

    servers: dict[str, contextlib.AbstractContextManager[Running]]
    missing: list[str]
