"""What many tests stand on: a store of their own, a client without a network, MNIST where the machine has it."""

import asyncio
import dataclasses
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, settings

from app.inference import loaded as loaded_models
from app.main import create_app
from app.settings import Settings
from app.storage.audit.acting import Actor, acting
from app.web.entry import Service
from models_store import shipped_version
from models_store.manifest import FILE, Manifest
from models_store.model import Model, load_fastest, use_threads
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from tests.contracts import declared
from tests.support.patience import Patience
from training.finetune import replay

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # tests never assert time

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_apart(monkeypatch, tmp_path)


def set_apart(environment: pytest.MonkeyPatch, folder: Path) -> None:
    """No setting of the developer's shell reaches a test, and no test writes into the working tree."""
    for name in [name for name in os.environ if name.startswith("DIGITSERVE_")]:
        environment.delenv(name)
    environment.setenv("DIGITSERVE_STORE_DIR", str(folder / "store"))
    environment.setenv("DIGITSERVE_STATE_DIR", str(folder / "state"))


@pytest.fixture(autouse=True)
def _nobody_acts_afterwards() -> Iterator[None]:
    """Who a test acted as would else stand in the audit log of the next one."""
    yield
    assert acting() == Actor()


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """As in serving: where other work runs, torch's default threads make these small nets ten times slower."""
    use_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _versions_count_from_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The shipped version as `digits@1`: what tests say of numbers stays true when another one is shipped."""
    shipped = tmp_path_factory.mktemp("shipped")
    (number,) = Registry(shipped_version.SHIPPED).versions("digits")
    shutil.copytree(shipped_version.SHIPPED / "digits" / str(number), shipped / "digits" / "1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped_version, "SHIPPED", shipped)
        yield


@pytest.fixture(scope="session", autouse=True)
def _models_are_loaded_once() -> Iterator[None]:
    """Apps in this process share a loaded model where every byte of its version is the same: a tenth of the suite was
    spent on trying the candidates of one version again. Servers that tests start as processes load their own."""
    loaded: dict[tuple[bytes, str], Model] = {}

    def once(folder: Path, manifest: Manifest, device: str = "cpu", known: str | None = None, **_: object) -> Model:
        manifest.check_files(folder)
        facts = (folder / FILE).read_bytes(), device
        if facts not in loaded:
            loaded[facts] = load_fastest(folder, manifest, device)
        return loaded[facts]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loaded_models, "load_fastest", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _fewer_drawings_judge() -> Iterator[None]:
    """A thousand in place of four: most of a training here was judging, and no test stands near the gate's border."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "_JUDGES", 1000)
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A store with the shipped version as `digits@1`, its champion."""
    return open_store(tmp_path / "store")


def republished(registry: Registry, **changes: object) -> Version:
    """Publishes a copy of the champion of `digits` as a version of its own, with other facts in its manifest."""
    champion = registry.resolve(Ref("digits"))
    with registry.stage("digits") as folder:
        shutil.copytree(champion.folder, folder, dirs_exist_ok=True)
        draft = dataclasses.replace(champion.manifest, created_at="2026-01-02T03:04:05+00:00", **changes)  # type: ignore[arg-type]
        return registry.publish("digits", folder, draft)


class _Patient(httpx.ASGITransport):
    """Repeats a request whose version is still being loaded, as its answer says: a busy machine takes long for that.
    What the service answers is held against its OpenAPI document."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        patience = Patience("a version to be loaded")
        while True:
            answer = await super().handle_async_request(request)
            can_repeat = isinstance(request.stream, httpx.SyncByteStream)  # its body is there, and not on its way
            if not can_repeat or answer.status_code != 503 or b'"code":"loading"' not in await answer.aread():
                await answer.aread()
                if isinstance(self.app, Service):
                    declared.check(request, answer)
                return answer
            await asyncio.sleep(patience.pause())


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A started app and a client that calls it without a network."""
    transport = _Patient(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service on a store of its own."""
    async with running(create_app(Settings(store_dir=tmp_path / "store"))) as http:
        yield http


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """As at a terminal: a shell starts what runs in its background deaf to SIGINT, and its children too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


_DATA_DIR = os.environ.get("DIGITSERVE_DATA_DIR")  # read before `_plain_environment` takes it away


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """The folder that holds MNIST/raw. Skips where none is named; a named one without the files is a failure."""
    if not _DATA_DIR:
        pytest.skip("DIGITSERVE_DATA_DIR is not set: this test needs MNIST")
    folder = Path(_DATA_DIR)
    assert (folder / "MNIST" / "raw" / "t10k-images-idx3-ubyte").is_file(), f"{folder} holds no MNIST/raw"
    yield folder
