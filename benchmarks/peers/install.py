"""Installs the peers, each into a virtual environment of its own, because their requirements clash.

    .venv/bin/python -m benchmarks.peers.install                  all of them, some minutes
    .venv/bin/python -m benchmarks.peers.install mosec            one

They go to ~/.cache/digitserve-peers, or to the folder that DIGITSERVE_PEERS_DIR names.
"""

import argparse
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

_WORK = (f"torch=={version('torch').partition('+')[0]}", "numpy", "pillow")  # what every peer does with a picture
ENVIRONMENTS = {
    "mosec": (*_WORK, "mosec==0.9.8"),
    "torchserve": (*_WORK, "torchserve==0.12.0", "torch-model-archiver==0.12.0", "pyyaml", "psutil", "requests"),
    "litserve": (*_WORK, "litserve==0.2.19", "python-multipart"),
    "py-spy": ("py-spy>=0.4",),  # no peer: it samples processes, for benchmarks.layers
}


def folder() -> Path:
    """Where the environments are."""
    return Path(os.environ.get("DIGITSERVE_PEERS_DIR") or Path.home() / ".cache" / "digitserve-peers")


def program(peer: str, name: str = "python", place: Path | None = None) -> Path | None:
    """A program of a peer's environment; None where it is not installed."""
    found = (place or folder()) / peer / "bin" / name
    return found if found.exists() else None


def missing(peer: str) -> str:
    """The line that says so."""
    return f"{peer} is missing: .venv/bin/python -m benchmarks.peers.install {peer}"


def main() -> int:
    """Says what it installs. Returns 1 where one could not be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="*", metavar="PEER", help=", ".join(ENVIRONMENTS))
    parser.add_argument("--torch-index", default=_remembered(), help="take torch from there (default: as make did)")
    options = parser.parse_args()
    for unknown in set(options.peers) - set(ENVIRONMENTS):
        parser.error(f"no such peer: {unknown}")
    failed = [peer for peer in options.peers or ENVIRONMENTS if not _install(peer, options.torch_index)]
    return 1 if failed else 0


def _install(peer: str, torch_index: str) -> bool:
    place = folder() / peer
    print(f"{peer}: into {place}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    index = ["--extra-index-url", torch_index] if torch_index else []
    command = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *index]
    return subprocess.run([*command, *ENVIRONMENTS[peer]], check=False).returncode == 0


def _remembered() -> str:
    try:
        return Path(sys.prefix, ".torch_index").read_text().strip()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
