"""What a device brings, a GPU above all: pictures a second by batch, answers over HTTP, seconds to learn MNIST.

    .venv/bin/python -m benchmarks.device                      (the GPU where there is one; HTTP needs the program wrk)
    .venv/bin/python -m benchmarks.device --device cpu --quick

MNIST is read from DIGITSERVE_DATA_DIR. Its training is timed without reading it and without the first start of a
device: a step of another training goes before.
"""

import argparse
import dataclasses
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks import load, page
from benchmarks.peers import servers
from models_store.errors import ManifestMismatch
from models_store.machine import cores
from models_store.model import Model, best_device, use_threads
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import SHIPPED
from training.commands import RECIPES
from training.data import sources
from training.errors import DataMissing
from training.fit.loop import fit
from training.fit.material import Material
from training.fit.measure import measure
from training.fit.runtime import Runtime
from training.nets.catalog import build

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
_CONNECTIONS = (1, 16, 64, 256)
_SEEDS = (1, 2, 3)


def main() -> int:
    """Prints three tables, or those for which everything is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default=best_device())
    parser.add_argument("--recipe", default="lite", help="that learns MNIST (default: the quickest above 99 %%)")
    parser.add_argument("--quick", action="store_true", help="short runs: whether it works, no measurement")
    options = parser.parse_args()
    seconds = 1 if options.quick else 5
    print(page.measured(f".venv/bin/python -m benchmarks.device --device {options.device}", _name(options.device)))
    shipped = Registry(SHIPPED)
    version = shipped.resolve(Ref("digits", None, shipped.versions("digits")[0]))
    print(f"\n{_batches(version, options.device, 0.1 if options.quick else 1)}\n", flush=True)
    if shutil.which("wrk") is None:
        print("wrk is missing: apt-get install wrk", file=sys.stderr)
    else:
        print(f"{_http(options.device, seconds)}\n", flush=True)
    try:
        print(_learned(options.recipe, options.device, _SEEDS[:1] if options.quick else _SEEDS))
    except DataMissing as missing:
        print(missing, file=sys.stderr)
    return 0


def _name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "no GPU"


def _batches(version: Version, device: str, seconds: float) -> str:
    """uint8 pixels in, probabilities out, both in the CPU's memory."""
    use_threads(1)  # as it is served
    rng = np.random.default_rng(1)
    rows: dict[int, list[str]] = {size: [] for size in _SIZES}
    names = []
    for name in version.manifest.candidates:
        try:
            model = Model.load(version.folder, version.manifest, name, device)
            model.predict(np.zeros((1, 1, 28, 28), np.uint8))
        except (ManifestMismatch, RuntimeError):  # an int8 kernel that this device does not have
            continue
        names.append(name)
        for size in _SIZES:
            batch = rng.integers(0, 256, (size, 1, 28, 28), np.uint8)
            for _ in range(3):
                model.predict(batch)
            times: list[float] = []
            began = time.perf_counter()
            while not times or time.perf_counter() - began < seconds:
                start = time.perf_counter()
                model.predict(batch)
                times.append(time.perf_counter() - start)
            middle = statistics.median(times)
            rows[size].append(f"{size / middle:,.0f} pictures/s, {1000 * middle:.2f} ms")
    return page.table(["batch", *names], [[str(size), *cells] for size, cells in rows.items()])


def _http(device: str, seconds: int) -> str:
    rows = []
    with tempfile.TemporaryDirectory() as place, servers.ours(Path(place), device=device) as server:
        sent = load.bodies(Path(place) / "bodies")
        for connections in _CONNECTIONS:
            load.wrk(server.one.url, sent, connections, 1)
            run = load.wrk(server.one.url, sent, connections, seconds)
            waited = f"{run['p50_ms']:.1f}/{run['p99_ms']:.1f}"
            rows.append([str(connections), f"{run['requests_per_second']:,.0f}", waited, f"{run['wrong']:.0f}"])
    return page.table(["connections", "req/s", "p50/p99 ms", "failed"], rows)


def _learned(name: str, device: str, seeds: tuple[int, ...]) -> str:
    """Raises DataMissing."""
    recipe = Recipe.from_toml((RECIPES / f"{name}.toml").read_text())
    rows = sources.load(recipe.data, recipe.input, Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data"), recipe.seed)
    use_threads(cores())
    runtime = Runtime(device=torch.device(device))
    few = rows.train[: recipe.train.batch_size]
    table = []
    for seed in (0, *seeds):
        net = build(recipe.net, recipe.input, len(rows.labels))
        began = time.perf_counter()
        fitted = fit(net, Material(rows.train if seed else few), dataclasses.replace(recipe, seed=seed), runtime)
        passed = time.perf_counter() - began
        if seed:
            accuracy = measure(fitted.net, rows.test, recipe, runtime.device)[1]
            table.append([f"`{name}`, seed {seed}", f"{passed:.2f}", f"{100 * accuracy:.2f} %"])
    return page.table(["MNIST learned", "seconds", "test accuracy"], table)


if __name__ == "__main__":
    sys.exit(main())
