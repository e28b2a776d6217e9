"""Our server beside the tutorials' FastAPI way, in one run: requests a second for one 28x28 PNG per multipart request.

    .venv/bin/python -m benchmarks.serving          (needs the program wrk)

Both run the same version in as many processes; ours with everything that is on by default: image preparation, request
ids, logs, limits. wrk shares the cores with the servers, so only the ratios within one run mean something.
"""

import argparse
import contextlib
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import load
from models_store.machine import cores
from models_store.shipped_version import SHIPPED


def main() -> int:
    """Prints the table. Returns 1 where a request failed, 2 without wrk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument("--seconds", type=int, default=5, help="of each timed run")
    parser.add_argument("--rounds", type=int, default=3, help="the two servers take turns; the median counts")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is missing: apt-get install wrk", file=sys.stderr)
        return 2
    results: dict[tuple[str, int], list[load.Result]] = {}
    with tempfile.TemporaryDirectory() as folder, _ours(Path(folder)) as ours, _tutorial() as tutorial:
        bodies = load.bodies(Path(folder) / "bodies")
        for connections in map(int, options.connections.split(",")):
            for _ in range(options.rounds):
                for way, url in (("tutorial", tutorial), ("ours", ours)):
                    load.wrk(url, bodies, connections, 1)
                    results.setdefault((way, connections), []).append(
                        load.wrk(url, bodies, connections, options.seconds)
                    )
    _print(results)
    return 1 if any(run["wrong"] for runs in results.values() for run in runs) else 0


@contextlib.contextmanager
def _ours(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "app", "serve", "--port", str(port := load.free_port())]
    environment = {"DIGITSERVE_STORE_DIR": str(folder / "store")}
    with load.process(command, environment, f"http://127.0.0.1:{port}/readyz"):
        yield f"http://127.0.0.1:{port}/v1/predict"


@contextlib.contextmanager
def _tutorial() -> Iterator[str]:
    place = ["--port", str(port := load.free_port()), "--workers", str(cores())]
    options = ["--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"]
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peers.tutorial:app", *place, *options]
    environment = {"MODEL": str(SHIPPED / "digits" / "1" / "model.pt")}
    with load.process(command, environment, f"http://127.0.0.1:{port}/openapi.json"):
        yield f"http://127.0.0.1:{port}/predict"


def _print(results: dict[tuple[str, int], list[load.Result]]) -> None:
    table = Table("connections", "tutorial, req/s", "p50/p99 ms", "ours, req/s", "p50/p99 ms", "ratio", box=SIMPLE_HEAD)
    for connections in sorted({connections for _, connections in results}):
        theirs, ours = (_median(results[way, connections]) for way in ("tutorial", "ours"))
        ratio = ours["requests_per_second"] / theirs["requests_per_second"]
        table.add_row(str(connections), *_cells(theirs), *_cells(ours), f"{ratio:.1f}")
    console = Console()
    console.print(f"One 28x28 PNG per request, {cores()} processes each, medians of several turns")
    console.print(table)


def _median(runs: list[load.Result]) -> load.Result:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def _cells(result: load.Result) -> tuple[str, str]:
    return f"{result['requests_per_second']:,.0f}", f"{result['p50_ms']:.1f}/{result['p99_ms']:.1f}"


if __name__ == "__main__":
    sys.exit(main())
