"""What benchmarks of the service share: a server of their own, and wrk that posts pictures to it."""

import contextlib
import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models_store.pictures.decode import to_png
from training.synthetic import strokes

ROOT = Path(__file__).parent.parent
_PICTURES = 200
_BOUNDARY = "edge7MA4YWxk"
Result = dict[str, float]  # requests_per_second, p50_ms, p99_ms, wrong (failed requests)


def bodies(folder: Path) -> Path:
    """Multipart bodies with drawn digits, one file each."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(_PICTURES):
        png = to_png(strokes.unit(number % 10, rng)[None])
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        body = f"{head}Content-Type: image/png\r\n\r\n".encode() + png + f"\r\n--{_BOUNDARY}--\r\n".encode()
        (folder / str(number)).write_bytes(body)
    return folder


@contextlib.contextmanager
def process(command: list[str], environment: dict[str, str], ready_url: str) -> Iterator[None]:
    """A server with its workers, up once `ready_url` answers; ended with the block."""
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL) as child:
        try:
            _wait(ready_url)
            yield
        finally:
            child.terminate()
            child.wait(60)


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=5):
                time.sleep(3)  # the other processes start as well
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wrk(url: str, bodies: Path, connections: int, seconds: int) -> Result:
    """So many connections that post the bodies in turn, for so many seconds."""
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    script = ["-s", str(ROOT / "benchmarks" / "post.lua"), url, "--", str(bodies), str(_PICTURES), kind]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *script]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"RESULT (\{.*\})", printed)
    assert found, printed
    return dict(json.loads(found[1]))
