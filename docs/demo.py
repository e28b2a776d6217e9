"""The whole story in a minute: starts a server of its own on a free port, lets it read pictures, stops it.

    make demo

A plain client: it knows the HTTP interface and nothing else of the project. Its store is a temporary folder.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PICTURES = sorted((Path(__file__).parent / "examples").glob("*.png"))
START_SECONDS = 120
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine is never behind a proxy


def main() -> int:
    """Prints what the server read beside what was drawn. Returns 1 where it read one wrong."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as url:
        model = call(f"{url}/v1/models/digits")
        facts = model["manifest"]
        print(f"\n{url} serves {model['id']}: {facts['net']}, {facts['parameters']:,} parameters, ", end="")
        print(f"{facts['metrics']['accuracy']:.2%} of MNIST's test digits right ({model['serving']['candidate']})\n")
        print("  picture                drawn  read  confidence     time")
        for path in PICTURES:
            began = time.perf_counter()
            answer = call(f"{url}/v1/predict", path.read_bytes(), "image/png")
            milliseconds = 1000 * (time.perf_counter() - began)
            right = answer["label"] == path.stem
            wrong += not right
            mark = "" if right else "  WRONG"
            mark += "  uncertain" if answer["uncertain"] else ""
            name = path.relative_to(path.parent.parent.parent)
            print(f"  {name!s:<21}  {path.stem:>5}  {answer['label']:>4}  {answer['confidence']:>10.1%}", end="")
            print(f"  {milliseconds:>4.0f} ms{mark}")
    print(f"\n{len(PICTURES) - wrong} of {len(PICTURES)} read right. Next: make serve, then open the README.")
    return 1 if wrong else 0


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """`digitserve serve` on a port that the system chose; its URL, once it is ready."""
    outside = {key: value for key, value in os.environ.items() if not key.startswith("DIGITSERVE_")}
    environment = {**outside, "DIGITSERVE_STORE_DIR": str(folder / "store")}
    log = folder / "log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "app", "serve", "--port", "0", "--workers", "1"]
        child = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield ready(child, log)
    finally:
        child.terminate()
        child.wait(60)


def ready(child: subprocess.Popen[bytes], log: Path) -> str:
    """Waits until the server answers. Exits with its last words where it does not start."""
    print("starting the server ...", end="", flush=True)
    for _ in range(START_SECONDS * 5):
        time.sleep(0.2)
        lines = log.read_text().splitlines()
        url = next((json.loads(line)["url"] for line in lines if '"event": "listening"' in line), None)
        if child.poll() is not None:
            break
        if url and answers(f"{url}/readyz"):
            print(" ready")
            return str(url)
    sys.exit("the server did not start:\n" + "\n".join(log.read_text().splitlines()[-20:]))


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with HTTP.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def call(url: str, body: bytes | None = None, content_type: str = "application/json") -> Any:
    """GET, or POST where there is a body; the parsed answer."""
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    with HTTP.open(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
