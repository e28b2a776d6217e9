"""What a challenger in shadow costs: requests a second with one and without, in turns."""

import contextlib
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load, page

_CONNECTIONS = (1, 16)
_SHARES = ("0", "0.2", "1")  # of the pictures; 0 is no challenger
_REST_SECONDS = 3.0  # in which what a challenger still holds is read


def measured(store: Path, folder: Path, seconds: int, rounds: int) -> tuple[str, float]:
    """The table, and how many requests failed. The store has a challenger; the servers run side by side, a process
    each, and take turns."""
    bodies = load.bodies(folder / "bodies", load.raw)
    runs: dict[tuple[str, int], list[load.Result]] = defaultdict(list)
    with contextlib.ExitStack() as stack:
        urls = {share: stack.enter_context(_serving(store, share, folder)) for share in _SHARES}
        for connections in _CONNECTIONS:
            for turn in range(rounds):
                first = turn % len(_SHARES)
                for share in _SHARES[first:] + _SHARES[:first]:
                    load.wrk(urls[share], bodies, connections, 1)
                    runs[share, connections].append(load.wrk(urls[share], bodies, connections, seconds))
                    time.sleep(_REST_SECONDS)
    rows = []
    for connections in _CONNECTIONS:
        without = _median(runs["0", connections], "requests_per_second")
        for share in _SHARES:
            some = runs[share, connections]
            rate, tail = _median(some, "requests_per_second"), _median(some, "p99_ms")
            rows.append([str(connections), share, f"{rate:,.0f}", f"{rate / without - 1:+.1%}", f"{tail:.1f}"])
    table = page.table(("connections", "share", "requests a second", "beside share 0", "p99 ms"), rows)
    return table, sum(run["wrong"] for some in runs.values() for run in some)


@contextlib.contextmanager
def _serving(store: Path, share: str, folder: Path) -> Iterator[str]:
    port = load.free_port()
    environment = {
        "DIGITSERVE_STORE_DIR": str(store), "DIGITSERVE_STATE_DIR": str(folder / f"state-of-{share}"),
        "DIGITSERVE_WORKERS": "1", "DIGITSERVE_JOB_WORKERS": "0", "DIGITSERVE_SHADOW_SHARE": share,
    }  # fmt: skip
    command = [".venv/bin/python", "-m", "app", "serve", "--port", str(port)]
    with load.process(command, environment, f"http://127.0.0.1:{port}/readyz"):
        yield f"http://127.0.0.1:{port}/v1/predict"


def _median(runs: list[load.Result], name: str) -> float:
    return statistics.median(run[name] for run in runs)
