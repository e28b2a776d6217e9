"""This service beside every peer that is installed, in one run: drawn digits of 28x28, one a request and 256.

    .venv/bin/python -m benchmarks.serving               (needs the program wrk; the peers: benchmarks.peers.install)
    .venv/bin/python -m benchmarks.serving --write docs/benchmarks.md

All serve the same version's net in as many processes; ours with everything that is on by default: preparation, ids,
log, limits. Their answers are compared first. They run side by side and take turns, each warmed up before it is timed,
and only what is answered with 2xx counts. wrk shares the cores with the servers, so only ratios within one run mean
something.
"""

import argparse
import contextlib
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks import load, page
from benchmarks.peers import checked, install, servers
from benchmarks.peers.compared import Case, Measured, report
from models_store.files import Pixels
from models_store.model import Model, use_threads
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import SHIPPED

_MODEL_SIZES = (1, 8, 32, 128, 256)  # of batches: one client, some, many, half a queue, a request with 256 pictures
_BARE = Case("one", 64)  # where bare uvicorn is asked
_MANY = 256
_MODEL_SECONDS = 0.5


def main() -> int:
    """Prints the tables. Returns 1 where a request failed, 2 without wrk."""
    options = _options()
    if shutil.which("wrk") is None:
        print("wrk is missing: apt-get install wrk", file=sys.stderr)
        return 2
    shipped = Registry(SHIPPED)
    version = shipped.resolve(Ref("digits", None, shipped.versions("digits")[0]))
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        measured = _measured(options, version, Path(place), stack)
    text = report(measured)
    print(text)
    if options.write:
        command = ".venv/bin/python -m benchmarks.serving"
        page.write(options.write, "benchmarks.serving", f"{page.measured(command, f'`{version.ref}`')}\n\n{text}")
    return 1 if any(run["wrong"] for runs in measured.runs.values() for run in runs) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", default="1,16,64", help="with a picture a request; with 256: 1 and 2")
    parser.add_argument("--seconds", type=int, default=6, help="of each timed run")
    parser.add_argument("--rounds", type=int, default=3, help="the servers take turns; the median counts")
    parser.add_argument("--only", help="these servers, with commas between them")
    parser.add_argument("--peers", type=Path, default=install.folder(), help="where they are installed")
    parser.add_argument("--quick", action="store_true", help="one round of a second: whether it works, no measurement")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this Markdown file")
    options = parser.parse_args()
    if options.quick:
        options.seconds = options.rounds = 1
    return options


def _measured(options: argparse.Namespace, version: Version, place: Path, stack: contextlib.ExitStack) -> Measured:
    can = servers.startable(version.folder / "model.pt", place, options.peers)
    print("\n".join(can.missing), flush=True)
    only = options.only.split(",") if options.only else list(can.servers)
    if unknown := set(only) - set(can.servers):
        raise SystemExit(f"Not here: {', '.join(unknown)}. There are {', '.join(can.servers)}.")
    running = []
    for name in can.servers:
        if name in only:
            print(f"{name} starts", flush=True)
            running.append(stack.enter_context(can.servers[name]))
    _check(running)
    pictures = load.digits()
    cases = [Case("one", int(count)) for count in options.connections.split(",")] + [Case("many", 1), Case("many", 2)]
    runs: dict[tuple[str, Case], list[load.Result]] = defaultdict(list)
    for case in cases:
        asked = [server for server in running if server.name != servers.BARE or case == _BARE]
        for turn in range(options.rounds):
            first = turn % len(asked)
            for server in asked[first:] + asked[:first]:
                way = server.one if case.kind == "one" else server.many
                assert way is not None, "bare uvicorn alone has no such way"
                sent = [[one] for one in pictures] if case.kind == "one" else [pictures[:_MANY]]
                folder = place / f"{server.name}-{case.kind}"
                bodies = _written(folder, way, sent)
                load.wrk(way.url, bodies, case.connections, 1)
                run = load.wrk(way.url, bodies, case.connections, options.seconds)
                print(
                    f"{case}, {server.name}: {run['requests_per_second']:,.1f}/s, p99 {run['p99_ms']:.1f}", flush=True
                )
                runs[server.name, case].append(run)
    stack.close()  # the model runs on cores that nobody else uses
    return Measured(runs, _model(version, options.rounds))


def _check(running: list[servers.Running]) -> None:
    ours, pictures = running[0], load.digits()
    assert ours.many is not None
    expected = checked.labels(ours.many, pictures)
    for server in running:
        if server.name != servers.BARE:
            checked.check(server, pictures, expected)


def _written(folder: Path, way: servers.Way, sent: list[list[bytes]]) -> load.Bodies:
    if folder.exists():
        return load.Bodies(folder, len(sent), way.form(sent[0])[1])
    return load.bodies(folder, way.form, sent)


def _model(version: Version, rounds: int) -> dict[int, float]:
    """Images a second of the version alone on one thread, by the size of a batch, by the quickest of its candidates."""
    use_threads(1)
    models = [Model.load(version.folder, version.manifest, name) for name in version.manifest.candidates]
    rng = np.random.default_rng(1)
    found: dict[int, float] = {}
    for size in _MODEL_SIZES:
        batch = rng.integers(0, 256, (size, 1, 28, 28), np.uint8)
        for model in models:
            model.warm_up([size])
        found[size] = max(statistics.median(_rate(model, batch) for _ in range(rounds)) for model in models)
    return found


def _rate(model: Model, batch: Pixels) -> float:
    began, done = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < _MODEL_SECONDS:
        model.predict(batch)
        done += len(batch)
    return done / passed


if __name__ == "__main__":
    sys.exit(main())
