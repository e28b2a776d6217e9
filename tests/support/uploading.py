"""/v1/files alone, with what stands around it in the app, and data sets to upload."""

import base64
import json
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI
from sqlalchemy import Connection

from app.files.inspection import Inspections
from app.files.routes import router
from app.files.store import FileStore
from app.storage.db import Database
from app.web import error_handlers
from app.web.entry import Entry
from app.web.limits import BodyLimits
from models_store.specs import InputSpec
from tests.support.decoding import DECODER
from tests.support.patience import PATIENCE_SECONDS
from tests.support.pictures import png
from tests.unit.models_store.datasets.test_archive import zipped
from tests.unit.models_store.datasets.test_clean import unit

ZIP = {"content-type": "application/zip"}
FILES = "/v1/files"


def nobody(_: Connection, __: str) -> str | None:
    """No job needs any file."""
    return None


@dataclass(frozen=True)
class Service:
    """A running service: its client, its store, and the folder where the bytes lie."""

    http: httpx.AsyncClient
    store: FileStore
    app: FastAPI
    folder: Path

    def left(self) -> list[str]:
        """The names in the folder: one per upload, and whatever should not be there; not the database's mark."""
        return lying_in(self.folder)


def lying_in(folder: Path) -> list[str]:
    """The names in a folder of uploads but for the mark of the database that it belongs to."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(name for name in names if not name.startswith(".database-"))


@asynccontextmanager
async def serving(
    state_dir: Path,
    database: Database | None = None,
    spec: Callable[[], InputSpec] = InputSpec,
    in_use: Callable[[Connection, str], str | None] = nobody,
    max_bytes: int = 64 * 2**20,
    spare_bytes: int = 0,
) -> AsyncIterator[Service]:
    """The service on a folder, and on a database of its own where none is given."""
    own = Database(f"sqlite:///{state_dir / 'digitserve.db'}", PATIENCE_SECONDS)
    store = FileStore(database or own, state_dir, spare_bytes)
    app = FastAPI()
    error_handlers.install(app)
    app.include_router(router(store, spec, in_use, Inspections(DECODER)))
    app.add_middleware(Entry, limits=BodyLimits(2048, {f"POST {FILES}": max_bytes}))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield Service(http, store, app, state_dir / "files")
    own.close()


def picture(seed: int) -> bytes:
    """A PNG in MNIST's format, another for each seed."""
    return png(unit(seed))


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip."""
    return zipped(list(files.items()), zipfile.ZIP_DEFLATED)


def digits(count: int = 2) -> bytes:
    """A zip with a folder per label and `count` pictures, of 7 and 1 in turn."""
    return packed({f"{'71'[seed % 2]}/{seed}.png": picture(seed) for seed in range(count)})


def lines(*pairs: tuple[str, bytes]) -> bytes:
    """JSONL of labels and pictures."""
    rows = ({"image": base64.b64encode(data).decode(), "label": label} for label, data in pairs)
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
