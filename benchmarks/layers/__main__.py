"""Where a request's CPU goes: microseconds by layer, of one API process under load.

    .venv/bin/python -m benchmarks.layers                        (needs wrk, and py-spy: benchmarks.peers.install)
    .venv/bin/python -m benchmarks.layers --server before=/tmp/before --server now=. --functions 8
    .venv/bin/python -m benchmarks.layers --server now=. --server without_log=/tmp/without_log --totals
    .venv/bin/python -m benchmarks.layers --server before=/tmp/before --server now=. --guarded all_checks=. --totals

The whole is what the kernel says that the process used (/proc/PID/stat), divided by the requests that it answered: the
median of rounds in which the servers take turns. The parts are shares of samples, taken in another run, since being
sampled costs CPU too. With --totals only the whole is measured.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load, page
from benchmarks.layers import samples
from benchmarks.peers import install, servers
from benchmarks.processes import api_processes, cpu

_PER_SECOND = 500  # samples


@dataclass(frozen=True)
class Cost:
    """What requests cost, in microseconds of CPU each; and how many there were."""

    all: float
    kernel: float  # of it, inside the kernel
    threads: float  # of it, by other threads than the one with the event loop
    requests_per_second: float
    p99_ms: float


@dataclass
class Profile:
    """A server's costs, round by round, and its samples."""

    costs: list[Cost] = field(default_factory=list)
    layers: samples.Layers = field(default_factory=samples.Layers)

    def median(self, what: str) -> float:
        return float(statistics.median(getattr(cost, what) for cost in self.costs))

    def part(self, share: float) -> float:
        """Microseconds of what has this share of the main thread's samples."""
        return (self.median("all") - self.median("threads")) * share


def main() -> int:
    """Prints the table. Returns 2 where a program is missing."""
    options = _options()
    spy = options.py_spy or install.program("py-spy", "py-spy") or shutil.which("py-spy")
    if shutil.which("wrk") is None or not (spy or options.totals):
        print("wrk is missing: apt-get install wrk" if spy else install.missing("py-spy"), file=sys.stderr)
        return 2
    checkouts = dict(_named(text) for text in options.server or ["now=."])
    guarded = dict(_named(text) for text in options.guarded or [])
    checkouts |= guarded
    profiles = {name: Profile() for name in checkouts}
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        bodies = load.bodies(Path(place) / "bodies")
        running = {
            name: stack.enter_context(servers.ours(Path(place) / name, checkout, processes=1, guarded=name in guarded))
            for name, checkout in checkouts.items()
        }
        for _ in range(options.rounds):
            for name, server in running.items():
                profiles[name].costs.append(_cost(server, bodies, options))
        for name, server in running.items() if not options.totals else ():
            profiles[name].layers = _sampled(server, bodies, options, str(spy))
    text = _totals(profiles) if options.totals else _by_layer(profiles)
    print(text)
    for name, profile in profiles.items() if options.functions else ():
        print(f"\n{name}\n{_functions(profile, options.functions)}")
    if options.write:
        kind, option = ("benchmarks.layers.totals", " --totals") if options.totals else ("benchmarks.layers", "")
        how = f"one process, {options.connections} connections, {options.rounds} rounds"
        head = page.measured(f".venv/bin/python -m benchmarks.layers{option}", how)
        page.write(options.write, kind, f"{head}\n\n{text}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", metavar="NAME=FOLDER", help="checkouts (default: this one)")
    parser.add_argument("--guarded", action="append", metavar="NAME=FOLDER", help="served with key, rates, all checks")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=6, help="of each timed run; the sampled one is twice as long")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--totals", action="store_true", help="no layers")
    parser.add_argument("--functions", type=int, default=0, help="name so many functions of each layer too")
    parser.add_argument("--py-spy", help="where it is (default: as benchmarks.peers.install puts it, or on the path)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this Markdown file")
    return parser.parse_args()


def _named(text: str) -> tuple[str, Path]:
    name, _, folder = text.rpartition("=")
    return name or folder, Path(folder).resolve()


def _cost(server: servers.Running, bodies: load.Bodies, options: argparse.Namespace) -> Cost:
    (process,) = api_processes(server.pid)
    load.wrk(server.one.url, bodies, options.connections, 2, key=server.key)
    began, began_main = cpu(process), cpu(process, main_thread=True)
    run = load.wrk(server.one.url, bodies, options.connections, options.seconds, key=server.key)
    used, main = cpu(process) - began, cpu(process, main_thread=True) - began_main
    each = 1e6 / max(1.0, run["requests"])
    others = used.together - main.together
    return Cost(each * used.together, each * used.kernel, each * others, run["requests_per_second"], run["p99_ms"])


def _sampled(server: servers.Running, bodies: load.Bodies, options: argparse.Namespace, spy: str) -> samples.Layers:
    (process,) = api_processes(server.pid)
    seconds = 2 * options.seconds
    with tempfile.TemporaryDirectory() as place:
        record = Path(place) / "record"
        kind = ["--rate", str(_PER_SECOND), "--format", "raw", "--threads", "--nolineno", "--full-filenames"]
        command = [spy, "record", "--pid", str(process), "--duration", str(seconds), *kind, "--output", str(record)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as sampler:
            load.wrk(server.one.url, bodies, options.connections, seconds + 2, key=server.key)
            complaint = sampler.communicate(timeout=120)[1]
        if not record.exists():
            raise SystemExit(f"py-spy took no samples: {complaint}")
        return samples.sort(record.read_text())


def _by_layer(profiles: Mapping[str, Profile]) -> str:
    def row(name: str, cells: list[float]) -> list[str]:
        return [name, *(f"{cell:,.0f}" for cell in cells)]

    every = list(profiles.values())
    rows = [row(layer, [it.part(it.layers.share(layer)) for it in every]) for layer in samples.LAYERS]
    rows += [
        row("other threads", [it.median("threads") for it in every]),
        row("all", [it.median("all") for it in every]),
        row("of it in the kernel", [it.median("kernel") for it in every]),
        row("requests/s of one process", [it.median("requests_per_second") for it in every]),
    ]
    return page.table(["CPU, µs a request", *profiles], rows)


def _totals(profiles: Mapping[str, Profile]) -> str:
    rows = [
        [name, f"{it.median('all'):,.0f}", f"{it.median('requests_per_second'):,.0f}", f"{it.median('p99_ms'):.1f}"]
        for name, it in profiles.items()
    ]
    return page.table(["", "CPU, µs a request", "requests/s of one process", "p99, ms"], rows)


def _functions(profile: Profile, count: int) -> str:
    lines = []
    for layer in samples.LAYERS:
        for function, seen in profile.layers.functions.get(layer, Counter()).most_common(count):
            lines.append(f"{profile.part(seen / profile.layers.samples.total()):6.1f} {layer}: {function}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
