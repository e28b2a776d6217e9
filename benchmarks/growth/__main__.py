"""How the cost of the service grows: with connections, with a picture's size, with pictures a request, with processes.

    .venv/bin/python -m benchmarks.growth                    (needs the program wrk)
    .venv/bin/python -m benchmarks.growth --write docs/benchmarks.md --plot docs/pictures/growth.png

A server of one process and one of two stand side by side and take turns. The CPU is that of all their processes.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import load, page
from benchmarks.growth.table import Grown, Point, draw, report
from benchmarks.hostile import bodies
from benchmarks.peers import servers
from benchmarks.processes import cpu_of_all

_PROCESSES = (1, 2)
_CONNECTIONS = (1, 4, 16, 64, 256)
_BATCHES = (1, 4, 16, 64, 256)
_BATCH_CONNECTIONS = 4
_PHOTOGRAPHS = {"1 megapixel": (1, 12), "12 megapixels": (12, 4)}  # size, and how many different ones
_LONGER = 1.6  # times: a run with photographs, which wait for each other
_WAIT_SECONDS = 60  # an answer that takes longer is none


def main() -> int:
    """Prints the tables. Returns 2 without wrk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="of each timed run; some more with photographs")
    parser.add_argument("--quick", action="store_true", help="runs of a second: whether it works, no measurement")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this Markdown file")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw them")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is missing: apt-get install wrk", file=sys.stderr)
        return 2
    seconds = 1 if options.quick else options.seconds
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        running = {
            count: stack.enter_context(servers.ours(Path(place) / str(count), processes=count)) for count in _PROCESSES
        }
        grown = _measured(running, Path(place), seconds)
    text = report(grown)
    print(text)
    if options.plot:
        draw(grown, options.plot)
        where = os.path.relpath(options.plot, options.write.parent if options.write else ".")
        text += f"\n\n![Requests a second and p99 by connections; pictures a second by pictures in a request]({where})"
    if options.write:
        command = page.measured(".venv/bin/python -m benchmarks.growth")
        page.write(options.write, "benchmarks.growth", f"{command}\n\n{text}")
    return 0


def _measured(running: dict[int, servers.Running], place: Path, seconds: int) -> Grown:
    grown = Grown({}, {})
    digits = load.digits()
    pictures = {"28x28": digits}
    for name, (megapixels, count) in _PHOTOGRAPHS.items():
        pictures[name] = [bodies.photograph(megapixels, number) for number in range(count)]
    for name, some in pictures.items():
        sent = load.bodies(place / name, load.multipart("file"), [[picture] for picture in some])
        for connections in _CONNECTIONS:
            for processes, server in running.items():
                asked = server.one, sent, connections, seconds if name == "28x28" else round(_LONGER * seconds)
                grown.pictures[name, processes, connections] = _point(server, *asked, f"{name}, {processes} processes")
    for size in _BATCHES:
        groups = [digits[start : start + size] for start in range(0, len(digits), size)]
        sent = load.bodies(place / f"batch-{size}", load.multipart("files"), groups)
        for processes, server in running.items():
            assert server.many is not None
            asked = server.many, sent, _BATCH_CONNECTIONS, seconds
            grown.batches[size, processes] = _point(server, *asked, f"batches of {size}, {processes} processes")
    return grown


def _point(
    server: servers.Running, way: servers.Way, sent: load.Bodies, connections: int, seconds: int, name: str
) -> Point:
    load.wrk(way.url, sent, connections, 1, _WAIT_SECONDS)
    time.sleep(1)  # what the clients that have just left sent is not computed, but read
    began = cpu_of_all(server.pid)
    run = load.wrk(way.url, sent, connections, seconds, _WAIT_SECONDS)
    used = cpu_of_all(server.pid) - began
    point = Point.of(run, used)
    print(f"{name}, {connections} connections: {point}", flush=True)
    return point


if __name__ == "__main__":
    sys.exit(main())
