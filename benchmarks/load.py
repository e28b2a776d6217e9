"""What benchmarks of the service share: a server of their own, and wrk that posts pictures to it."""

import base64
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from benchmarks.processes import tree
from models_store.pictures.decode import to_png
from training.synthetic import strokes

ROOT = Path(__file__).parent.parent
DIGITS = 256
_BOUNDARY = "edge7MA4YWxk"
_STOP_SECONDS = 60.0
Result = dict[str, float]  # requests, requests_per_second, p50_ms, p99_ms, max_ms, wrong (failed requests)
Form = Callable[[Sequence[bytes]], tuple[bytes, str]]  # pictures -> a request's body, and its content type


def digits() -> list[bytes]:
    """PNG files of 28x28 with drawn digits, the same each time."""
    rng = np.random.default_rng(1)
    return [to_png(strokes.unit(number % 10, rng)[None]) for number in range(DIGITS)]


def multipart(field: str) -> Form:
    """Each picture is a file of a form, all in the one field."""

    def form(pictures: Sequence[bytes]) -> tuple[bytes, str]:
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="a.png"\r\n'
        parts = [f"{head}Content-Type: image/png\r\n\r\n".encode() + picture + b"\r\n" for picture in pictures]
        return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={_BOUNDARY}"

    return form


def raw(pictures: Sequence[bytes]) -> tuple[bytes, str]:
    """A form: one picture is the whole body."""
    (picture,) = pictures
    return picture, "image/png"


def in_json(pictures: Sequence[bytes]) -> tuple[bytes, str]:
    """A form: `{"images": [base64, ...]}`."""
    return json.dumps({"images": [base64.b64encode(one).decode() for one in pictures]}).encode(), "application/json"


@dataclass(frozen=True)
class Bodies:
    """Bodies of requests, a file each."""

    folder: Path
    count: int
    kind: str  # their content type


def bodies(folder: Path, form: Form | None = None, pictures: Sequence[Sequence[bytes]] | None = None) -> Bodies:
    """Writes bodies into a new folder: by default a form with one drawn digit each. `pictures`: those of each body."""
    folder.mkdir()
    form = form or multipart("file")
    made = [form(some) for some in pictures or [[picture] for picture in digits()]]
    for number, (body, _) in enumerate(made):
        (folder / str(number)).write_bytes(body)
    return Bodies(folder, len(made), made[0][1])


@contextlib.contextmanager
def process(
    command: list[str], environment: dict[str, str], ready_url: str, folder: Path = ROOT
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server with its workers, up once `ready_url` answers; ended with the block. It is started in `folder`, and logs
    into a file that nobody keeps. Raises SystemExit where it does not answer.
    """
    environment = {**os.environ, **environment}
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as child,
    ):
        try:
            _wait(ready_url, child, log)
            yield child
        finally:
            _end(child)


def _wait(url: str, child: "subprocess.Popen[bytes]", log: IO[bytes]) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            time.sleep(3)  # the other processes start as well
            return
        if child.poll() is not None:
            break
        time.sleep(0.1)
    log.seek(0)
    raise SystemExit(f"{url} does not answer:\n{log.read()[-2000:].decode(errors='replace')}")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """As an operator does; what a server leaves behind is killed."""
    started = tree(child.pid)
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_STOP_SECONDS)
    for pid in started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    child.wait()


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wrk(url: str, bodies: Bodies, connections: int, seconds: int, timeout_seconds: int = 10, key: str = "") -> Result:
    """So many connections that post the bodies in turn, for so many seconds, showing a key where there is one. Only 2xx
    and 3xx count as requests.
    """
    script = [
        "-s",
        str(ROOT / "benchmarks" / "post.lua"),
        url,
        "--",
        str(bodies.folder),
        str(bodies.count),
        bodies.kind,
    ]
    shown = ["-H", f"Authorization: Bearer {key}"] if key else []
    command = [
        "wrk",
        *shown,
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        f"--timeout={timeout_seconds}s",
        "--latency",
        *script,
    ]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"RESULT (\{.*\})", printed)
    assert found, printed
    return dict(json.loads(found[1]))
