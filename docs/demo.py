"""All of it in less than a minute: starts a server of its own on a free port, lets it read pictures, teaches it
a handwriting that it reads badly, takes that back, and stops it.

    make demo

A plain client: it knows the HTTP interface and nothing else of the project. All that it makes is in a temporary folder.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handwriting import Picture, as_instances, as_zip, written

PICTURES = sorted((Path(__file__).parent / "examples").glob("*.png"))
TAUGHT, KEPT = 300, 400  # pictures of the new handwriting: to learn from, and to judge by
BATCH = 200  # pictures in one request
START_SECONDS = 120
SWAP_SECONDS = 30
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine is never behind a proxy


def main() -> int:
    """Tells the story. Returns 1 where a picture was read wrong, or where the handwriting was not learned."""
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as url:
        right = read(url)
        learned = teach(url)
    print(f"\n{right} of {len(PICTURES)} read right. Next: make serve, then open the README.")
    return 0 if right == len(PICTURES) and learned else 1


def read(url: str) -> int:
    """Prints what the server reads beside what was drawn. Returns how many it read right."""
    right = 0
    model = call(f"{url}/v1/models/digits")
    facts = model["manifest"]
    print(f"\n{url} serves {model['id']}: {facts['net']}, {facts['parameters']:,} parameters, ", end="")
    print(f"{facts['metrics']['accuracy']:.2%} of MNIST's test digits right ({model['serving']['candidate']})\n")
    print("  picture                drawn  read  confidence     time")
    for path in PICTURES:
        began = time.perf_counter()
        answer = call(f"{url}/v1/predict", path.read_bytes(), "image/png")
        milliseconds = 1000 * (time.perf_counter() - began)
        mark = "" if answer["label"] == path.stem else "  WRONG"
        right += not mark
        mark += "  uncertain" if answer["uncertain"] else ""
        name = path.relative_to(path.parent.parent.parent)
        print(f"  {name!s:<21}  {path.stem:>5}  {answer['label']:>4}  {answer['confidence']:>10.1%}", end="")
        print(f"  {milliseconds:>4.0f} ms{mark}")
    return right


def teach(url: str) -> bool:
    """Uploads pictures, has them learned, compares, and rolls back. Returns whether the new version read more."""
    taught, kept = written(TAUGHT, KEPT)
    before, base = read_right(url, kept)
    print(f"\nA handwriting that leans far to the left, on a pale copy: {base} reads {before:.1%} of {KEPT} pictures.")
    file = call(f"{url}/v1/files?filename=handwriting.zip", as_zip(taught), "application/zip")
    print(f"{TAUGHT} others go to {url}/v1/files: {file['report']['kept']} of {file['report']['rows']} are used.")
    how = {"type": "supervised", "supervised": {"promote": "if_better", "replay": 64}}
    numbers = {"n_epochs": 12}  # enough for so many pictures of one handwriting; more replay instead
    order = {"model": "digits", "training_file": file["id"], "seed": 1, "hyperparameters": numbers, "method": how}
    began = time.perf_counter()
    job = follow(url, call(f"{url}/v1/fine_tuning/jobs", json.dumps(order).encode())["id"])
    if job["status"] != "succeeded":
        print(f"The job {job['status']}: {(job['error'] or {}).get('message')}")
        return False
    print(f"{job['fine_tuned_model']} was made in {time.perf_counter() - began:.0f} s.")
    if not job["result"]["promoted"]:
        print("It was not promoted: the one before goes on serving.")
        return False
    wait_for(url, job["fine_tuned_model"])
    after, version = read_right(url, kept)
    print(f"\nThe {KEPT} pictures that it has never seen:   {base} {before:.1%}   {version} {after:.1%}")
    aliases = call(f"{url}/v1/models/digits/rollback", b"")["aliases"]
    wait_for(url, base)
    print(
        f"One POST to /v1/models/digits/rollback, and {base} answers again; {version} is {alias_of(aliases, version)}."
    )
    return after > before


def read_right(url: str, pictures: Sequence[Picture]) -> tuple[float, str]:
    """The share of pictures that is read right, and the version that read them."""
    right, version = 0, ""
    for start in range(0, len(pictures), BATCH):
        part = pictures[start : start + BATCH]
        answer = call(f"{url}/v1/predict/batch", json.dumps(as_instances(part)).encode())
        version = answer["model"]
        right += sum(told["label"] == picture.label for told, picture in zip(answer["predictions"], part, strict=True))
    return right / len(pictures), version


def follow(url: str, job_id: str) -> Any:
    """Shows a job's events as they come (server-sent events), and returns the job when it has ended."""
    place = f"{url}/v1/fine_tuning/jobs/{job_id}"
    request = urllib.request.Request(f"{place}/events", headers={"Accept": "text/event-stream"})
    with HTTP.open(request, timeout=60) as stream:
        for line in stream:
            if line.startswith(b"data:"):
                show(json.loads(line[5:]))
    return call(place)


def show(event: Mapping[str, Any]) -> None:
    """One event: every fourth epoch, and every message but the last, which says the gate's sentence again."""
    if event.get("type") == "metrics":
        data = event["data"]
        if data["epoch"] % 4 == 0:
            print(f"  epoch {data['epoch']:>2} of {data['epochs']}, loss {data['loss']:.3f}", flush=True)
    elif event.get("message") and (event.get("data") or {}).get("state") != "succeeded":
        print(f"  {event['message']}", flush=True)


def wait_for(url: str, version: str) -> None:
    """Until that version answers: every process follows an alias within a second."""
    for _ in range(SWAP_SECONDS * 10):
        if call(f"{url}/v1/predict", PICTURES[0].read_bytes(), "image/png")["model"] == version:
            return
        time.sleep(0.1)
    sys.exit(f"{version} does not answer")


def alias_of(aliases: Mapping[str, int], version: str) -> str:
    """What a version is called besides its number."""
    return next(alias for alias, number in aliases.items() if f"digits@{number}" == version)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """`digitserve serve` on a port that the system chose; its URL, once it is ready."""
    outside = {key: value for key, value in os.environ.items() if not key.startswith("DIGITSERVE_")}
    environment = {
        **outside,
        "DIGITSERVE_STORE_DIR": str(folder / "store"),
        "DIGITSERVE_STATE_DIR": str(folder / "state"),
    }
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
