"""One fine-tune job as a user sees it: seconds from the request to the new version's first answer, what it learned, and
what those who ask for predictions meanwhile notice.

    python -m benchmarks.jobs            (MNIST and Semeion in DIGITSERVE_DATA_DIR; --load needs the program wrk)
    python -m benchmarks.jobs --without-mnist
    python -m benchmarks.jobs --load     p99 of 16 connections while a job runs and while none does, in turn

A plain client of a server of its own. Of Semeion's 1,593 digits 200, drawn at random, are uploaded as a zip; the others
and MNIST's test digits are read before and after, through /v1/predict/batch.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks import load, semeion
from models_store.pictures.decode import to_png
from training.data import sources
from training.errors import DataMissing

_TAUGHT = 200
_BATCH = 250
_CONNECTIONS = 16
Labelled = tuple[Sequence[str], Sequence[bytes]]  # labels, files


def main() -> int:
    """Prints what was measured. Returns 1 where a job did not succeed or a request failed, 2 where data are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-mnist", action="store_true", help="a machine on which MNIST does not lie")
    parser.add_argument("--load", action="store_true", help="measure who asks meanwhile, in place of what is learned")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    try:
        names, files = semeion.read(folder)
        test = sources.mnist(folder).test
    except (DataMissing, OSError) as missing:
        print(missing, file=sys.stderr)
        return 2
    if options.load and shutil.which("wrk") is None:
        print("wrk is missing: apt-get install wrk", file=sys.stderr)
        return 2
    mnist = [str(label) for label in test.labels.tolist()], [to_png(p) for p in test.pictures.numpy()]
    wrong = 0
    for seed in range(1, options.rounds + 1):
        order = np.random.default_rng(seed).permutation(len(names))
        rest = [names[i].partition("/")[0] for i in order[_TAUGHT:]], [files[i] for i in order[_TAUGHT:]]
        with tempfile.TemporaryDirectory() as place:
            taught = semeion.zipped(Path(place) / "taught.zip", names, files, order[:_TAUGHT])
            port = load.free_port()
            environment = {
                "DIGITSERVE_STORE_DIR": f"{place}/store", "DIGITSERVE_STATE_DIR": f"{place}/state",
                "DIGITSERVE_DATA_DIR": f"{place}/none" if options.without_mnist else str(folder.resolve()),
                "no_proxy": "127.0.0.1",
            }  # fmt: skip
            url = f"http://127.0.0.1:{port}"
            command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
            with load.process(command, environment, f"{url}/readyz"), httpx.Client(base_url=url, timeout=60) as http:
                story = _beside_load if options.load else _learned
                wrong += not story(http, taught, seed, rest, mnist, Path(place))
    return 1 if wrong else 0


def _learned(http: httpx.Client, taught: Path, seed: int, rest: Labelled, mnist: Labelled, _: Path) -> bool:
    before = _read(http, rest), _read(http, mnist)
    seconds, job = _job(http, taught, seed)
    after = _read(http, rest), _read(http, mnist)
    print(
        f"seed {seed}: {job['status']}, {job['fine_tuned_model']}, promoted {job['result']['promoted']}; "
        f"{seconds:.1f} s from POST to the first answer; Semeion's rest {before[0]:.2%} -> {after[0]:.2%}, "
        f"MNIST {before[1]:.2%} -> {after[1]:.2%}\n  {job['result']['gate']}",
        flush=True,
    )
    return bool(job["status"] == "succeeded")


def _beside_load(http: httpx.Client, taught: Path, seed: int, _: Labelled, __: Labelled, place: Path) -> bool:
    """p99 with a job beside it, between two without."""
    bodies, url = load.bodies(place / "bodies"), f"{http.base_url}/v1/predict"
    load.wrk(url, bodies, _CONNECTIONS, 2)
    quiet = [load.wrk(url, bodies, _CONNECTIONS, 10)]
    runs = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_job, http, taught, seed)
        while not running.done():
            runs.append(load.wrk(url, bodies, _CONNECTIONS, 5))
    seconds, job = running.result()
    quiet.append(load.wrk(url, bodies, _CONNECTIONS, 10))
    p99 = [statistics.median(run["p99_ms"] for run in some) for some in (quiet, runs)]
    rates = [statistics.median(run["requests_per_second"] for run in some) for some in (quiet, runs)]
    failed = sum(run["wrong"] for run in (*quiet, *runs))
    print(
        f"round {seed}: p99 {p99[0]:.1f} ms without a job, {p99[1]:.1f} ms beside one (x{p99[1] / p99[0]:.2f}); "
        f"{rates[0]:,.0f} and {rates[1]:,.0f} requests/s; {failed:.0f} failed; the job took {seconds:.1f} s and ended "
        f"as {job['status']}, promoted {job['result']['promoted']}",
        flush=True,
    )
    return not failed and bool(job["status"] == "succeeded")


def _job(http: httpx.Client, taught: Path, seed: int) -> tuple[float, dict[str, Any]]:
    """Uploads, orders, and asks until the promoted version answers: seconds from the order on, and the job."""
    with taught.open("rb") as file:
        uploaded = http.post("/v1/files", files={"file": file}, data={"purpose": "fine-tune"}).raise_for_status().json()
    began = time.perf_counter()
    order = {
        "model": "digits", "training_file": uploaded["id"], "seed": seed,
        "method": {"type": "supervised", "supervised": {"promote": "if_better"}},
    }  # fmt: skip
    made = http.post("/v1/fine_tuning/jobs", json=order).raise_for_status().json()
    events = {"accept": "text/event-stream"}
    with http.stream("GET", f"/v1/fine_tuning/jobs/{made['id']}/events", headers=events, timeout=600) as stream:
        for _ in stream.iter_lines():
            pass
    job = http.get(f"/v1/fine_tuning/jobs/{made['id']}").json()
    picture = (load.ROOT / "docs" / "examples" / "7.png").read_bytes()
    while job["status"] == "succeeded" and job["result"]["promoted"]:
        answer = http.post("/v1/predict", content=picture, headers={"content-type": "image/png"}).json()
        if answer["model"] == job["fine_tuned_model"]:
            break
        time.sleep(0.02)
    return time.perf_counter() - began, job


def _read(http: httpx.Client, labelled: Labelled) -> float:
    """Share of the pictures that the service reads right."""
    right = 0
    for start in range(0, len(labelled[0]), _BATCH):
        parts = [("files", ("a.png", data, "image/png")) for data in labelled[1][start : start + _BATCH]]
        answer = http.post("/v1/predict/batch?top_k=1", files=parts).raise_for_status()
        read = [one["label"] for one in json.loads(answer.content)["predictions"]]
        right += sum(a == b for a, b in zip(read, labelled[0][start : start + _BATCH], strict=True))
    return right / len(labelled[0])


if __name__ == "__main__":
    sys.exit(main())
