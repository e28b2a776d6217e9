"""Ten minutes at 64 connections, with a promotion every 10 seconds: does a request fail, does memory grow?

    .venv/bin/python -m benchmarks.endurance                       (needs the program wrk)
    .venv/bin/python -m benchmarks.endurance --minutes 10 --write docs/benchmarks.md

The champion changes between the version that comes along and one that is trained for this on scikit-learn's digits.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import load, page
from benchmarks.peers import servers
from benchmarks.processes import api_processes, resident

_LOOK_SECONDS = 2.0
_MOST_MIB = 350  # of each API process
_STEEPEST = 1.0  # MiB a minute, in the second half
_MIB = 2**20


@dataclass
class Lasted:
    """What was seen until the end."""

    run: load.Result = field(default_factory=dict)
    promotions: int = 0
    answered_by: Counter[str] = field(default_factory=Counter)  # of the answers that were looked at
    memory: dict[int, list[tuple[float, int]]] = field(default_factory=dict)  # by process: seconds, bytes

    def failures(self, processes: int) -> list[str]:
        """What did not hold, where there should be so many API processes."""
        found = [f"{self.run['wrong']:.0f} requests failed"] if self.run["wrong"] else []
        if len(self.memory) != processes:
            found.append(f"{len(self.memory)} API processes were seen, {processes} were started")
        if len(self.answered_by) < 2:
            found.append(f"only {', '.join(self.answered_by)} answered")
        for pid, looks in self.memory.items():
            if (most := max(size for _, size in looks) / _MIB) > _MOST_MIB:
                found.append(f"process {pid} held {most:.0f} MiB")
            if abs(slope(looks)) > _STEEPEST:
                found.append(f"process {pid} grew by {slope(looks):.2f} MiB a minute")
        return found


def slope(looks: list[tuple[float, int]]) -> float:
    """MiB a minute over the second half, by least squares."""
    half = (looks[0][0] + looks[-1][0]) / 2
    late = np.array([look for look in looks if look[0] >= half])
    return float(np.polyfit(late[:, 0] / 60, late[:, 1] / _MIB, 1)[0])


def main() -> int:
    """Prints what was seen. Returns 1 where it did not hold, 2 without wrk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--every", type=float, default=10, help="seconds between promotions")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this Markdown file")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is missing: apt-get install wrk", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        versions = _two_versions(Path(place) / "store")
        with servers.ours(Path(place)) as server, ThreadPoolExecutor(1) as pool:
            started = api_processes(server.pid)
            sent = load.bodies(Path(place) / "bodies")
            seconds = round(60 * options.minutes)
            running = pool.submit(load.wrk, server.one.url, sent, options.connections, seconds)
            lasted = _watched(server, versions, options.every, running)
    text, failures = _table(lasted), lasted.failures(len(started))
    print(text)
    print("\n".join(failures) or "It held.")
    if options.write:
        how = f"{options.minutes:g} minutes, {options.connections} connections, a promotion every {options.every:g} s"
        head = page.measured(".venv/bin/python -m benchmarks.endurance", how)
        page.write(options.write, "benchmarks.endurance", f"{head}\n\n{text}")
    return 1 if failures else 0


def _two_versions(store: Path) -> tuple[int, int]:
    """The shipped one's number and that of another, which learns for some seconds."""
    print("a second version is trained", flush=True)
    command = [sys.executable, "-m", "training", "train", "bundled", "--store", str(store), "--publish-to", "digits"]
    done = subprocess.run([*command, "--epochs", "4", "--json"], cwd=load.ROOT, check=True, capture_output=True)
    trained = json.loads(done.stdout.splitlines()[-1])["version"]
    numbers = sorted(int(folder.name) for folder in (store / "digits").iterdir() if folder.name.isdigit())
    assert len(numbers) == 2 and trained == f"digits@{numbers[1]}", numbers
    return numbers[0], numbers[1]


def _watched(
    server: servers.Running, versions: tuple[int, int], every: float, running: "Future[load.Result]"
) -> Lasted:
    lasted, began = Lasted(), time.monotonic()
    (picture,) = load.digits()[:1]
    while not running.done():
        passed = time.monotonic() - began
        for pid in api_processes(server.pid):
            lasted.memory.setdefault(pid, []).append((passed, resident(pid)))
        if passed >= (lasted.promotions + 1) * every:
            here, there = versions if lasted.promotions % 2 == 0 else versions[::-1]
            _promote(server, here, there)
            lasted.promotions += 1
        lasted.answered_by[_asked(server, picture)] += 1
        time.sleep(_LOOK_SECONDS)
    lasted.run = running.result()
    return lasted


def _promote(server: servers.Running, here: int, there: int) -> None:
    url = server.one.url.removesuffix("/predict") + "/models/digits/aliases/champion"
    body = json.dumps({"version": there, "expected": here}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["aliases"]["champion"] == there


def _asked(server: servers.Running, picture: bytes) -> str:
    """The version that answers now."""
    body, kind = server.one.form([picture])
    with urllib.request.urlopen(urllib.request.Request(server.one.url, body, {"Content-Type": kind}), timeout=30) as it:
        return str(json.load(it)["model"])


def _table(lasted: Lasted) -> str:
    run = lasted.run
    rows = [
        ["requests answered", f"{run['requests']:,.0f} ({run['requests_per_second']:,.0f}/s)"],
        ["failed", f"{run['wrong']:,.0f}"],
        ["p50/p99/longest, ms", f"{run['p50_ms']:.1f}/{run['p99_ms']:.1f}/{run['max_ms']:.0f}"],
        ["promotions", f"{lasted.promotions}"],
        ["answers looked at", ", ".join(f"{count} by {name}" for name, count in sorted(lasted.answered_by.items()))],
    ]
    for number, looks in enumerate(lasted.memory.values(), 1):
        sizes = [size / _MIB for _, size in looks]
        said = f"{sizes[0]:.0f}, {max(sizes):.0f}, {sizes[-1]:.0f} MiB; {slope(looks):+.2f} MiB a minute"
        rows.append([f"memory of API process {number}: at first, most, last; slope of the second half", said])
    return page.table(["", ""], rows)


if __name__ == "__main__":
    sys.exit(main())
