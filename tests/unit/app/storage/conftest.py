"""A blob store, and where it lies."""

from pathlib import Path

import pytest

from app.storage.blobs import BlobStore


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pictures"


@pytest.fixture
def blobs(home: Path) -> BlobStore:
    return BlobStore(home, "xy", spare_bytes=0)
