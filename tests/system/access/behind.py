"""A server behind nginx as tests set it up, and who asks it through that."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.conftest import EXAMPLES, set_apart
from tests.support.patience import PATIENCE_SECONDS
from tests.support.pictures import png
from tests.system.access.nginx import Nginx
from tests.system.harness import drawn, serving

PICTURE = {"file": (EXAMPLES / "7.png").read_bytes()}
BEHIND = {"TRUSTED_PROXIES": "127.0.0.1", "WORKERS": "1", "JOB_WORKERS": "0"}
JOBS = "/v1/fine_tuning/jobs"


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[str]:
    """The URL of a server that listens to this machine, with these settings."""
    with pytest.MonkeyPatch.context() as environment:
        set_apart(environment, folder)
        for name, value in {**BEHIND, **settings}.items():
            environment.setenv(f"DIGITSERVE_{name}", value)
        with serving(folder / "log") as (_, url):
            yield url


@contextmanager
def asking(nginx: Nginx, address: str = "127.0.0.1", **headers: str) -> Iterator[httpx.Client]:
    """A client that has this address."""
    transport = httpx.HTTPTransport(verify=nginx.trust, local_address=address)
    with httpx.Client(
        transport=transport, base_url=nginx.url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False
    ) as http:
        yield http


def upload(folder: Path) -> bytes:
    """A zip of a few MiB: digits, and noise in the size of photographs, which no one can pack."""
    rng, buffer = np.random.default_rng(3), io.BytesIO()
    drawn(folder, range(10), 2)
    for number in range(4):
        (folder / "8" / f"noise-{number}.png").write_bytes(png(rng.integers(0, 256, (1000, 1000), np.uint8)))
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()


def job(http: httpx.Client, file: str, root: str = "") -> dict[str, Any]:
    answer = http.post(root + JOBS, json={"model": "digits", "training_file": file})
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())
