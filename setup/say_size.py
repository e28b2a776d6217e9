"""Says what pip is about to install and how large that is, before any of it is downloaded.

    python setup/say_size.py requirements.lock [--torch-index URL] [--force-reinstall]

pip itself is asked, in a dry run, so that its settings decide as they will afterwards. This only informs: where pip or
an index gives no answer, it says so and ends well.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

# From 23.3 on a dry run reads what a package needs from the index, or from a piece of its file (`fast-deps`). An index
# that offers neither makes pip download whole files to find out, which nobody asked for: then it is stopped.
OLDEST_PIP = (23, 3)
DRY_RUN_SECONDS = 60
SIZES_SECONDS = 8


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    url: str
    size: int | None = None  # bytes of the file, where it can be had


class NoAnswer(Exception):
    """A sentence about why the sizes can't be said."""


def main() -> int:
    """Prints some lines. Returns 0 whatever happens: the installation that follows says what is really wrong."""
    parser = argparse.ArgumentParser(description="Says what pip is about to install, and how large that is.")
    parser.add_argument("lock", type=Path)
    parser.add_argument("--torch-index", metavar="URL", help="where torch and torchvision come from")
    parser.add_argument("--force-reinstall", action="store_true", help="another build of torch replaces this one")
    options = parser.parse_args()
    try:
        print("Asking pip what is missing, and the indexes how large it is ...", flush=True)
        packages = planned(options.lock, options.torch_index, options.force_reinstall)
        for line in described(with_sizes(packages), locked(options.lock)):
            print(line, flush=True)
    except NoAnswer as reason:
        print(f"What will be installed, and its size, can't be said beforehand: {reason}", flush=True)
    return 0


def planned(lock: Path, torch_index: str | None, force: bool) -> list[Package]:
    """What the installation that the Makefile describes would bring. Raises NoAnswer."""
    if tuple(map(int, re.findall(r"\d+", version("pip"))[:2])) < OLDEST_PIP:
        raise NoAnswer(f"pip {version('pip')} would download everything to find out; pip 23.3 and later need not.")
    torch: list[Package] = []
    if torch_index or force:
        base = lock.with_name("requirements.lock")  # pip would install what a constraint file's `-r` names
        only = ["--no-deps", "--constraint", str(base), *(["--force-reinstall"] if force else [])]
        torch = _dry_run(*only, *(["--index-url", torch_index] if torch_index else []), "torch", "torchvision")
    chosen = [f"{package.name}=={package.version}" for package in torch]
    beside = ["--extra-index-url", torch_index] if torch_index else []
    rest = _dry_run("--requirement", str(lock), *beside, *chosen)
    return [*torch, *(package for package in rest if package.name not in {chosen.name for chosen in torch})]


def _dry_run(*arguments: str) -> list[Package]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        quietly = ("--dry-run", "--quiet", "--use-feature=fast-deps", "--report", str(report))
        command = [sys.executable, "-m", "pip", "install", *quietly, *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=DRY_RUN_SECONDS, check=False)
            items = _items(report.read_bytes()) if done.returncode == 0 else None
        except (subprocess.TimeoutExpired, OSError, ValueError, KeyError, TypeError) as error:
            raise NoAnswer(f"pip's dry run gave no answer ({type(error).__name__}).") from error
    if items is None:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NoAnswer(errors[-1] if errors else "pip's dry run failed.")
    return items


def _items(report: bytes) -> list[Package]:
    facts = ((item["metadata"], item["download_info"]["url"]) for item in json.loads(report)["install"])
    return [Package(_plain(metadata["name"]), metadata["version"], url) for metadata, url in facts]


def with_sizes(packages: Sequence[Package]) -> list[Package]:
    """The same, each with its size where that is to be had within SIZES_SECONDS."""
    pool = ThreadPoolExecutor(16)
    asked = [pool.submit(_size, package.url) for package in packages]
    wait(asked, SIZES_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    sizes = [answer.result() if answer.done() and not answer.cancelled() else None for answer in asked]
    return [Package(p.name, p.version, p.url, size) for p, size in zip(packages, sizes, strict=True)]


def _size(url: str) -> int | None:
    try:
        if urlsplit(url).scheme == "file":
            return Path(urllib.request.url2pathname(urlsplit(url).path)).stat().st_size
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=5) as answer:
            return int(answer.headers["Content-Length"])
    except (
        OSError,
        ValueError,
        TypeError,
        http.client.HTTPException,
    ):  # no network, no header, a scheme of pip's
        return None


def described(packages: Sequence[Package], locked: set[str]) -> Iterable[str]:
    """Some lines for a person. What the lock does not name came along with this build of torch."""
    if not packages:
        yield "Nothing is missing."
        return
    torch = next((package for package in packages if package.name == "torch"), None)
    along = [package for package in packages if package.name not in locked]
    yield f"To be installed: {len(packages)} packages, {_sum(packages)} (less what pip kept from earlier downloads)"
    if torch is not None:
        where = "a file of this machine" if torch.url.startswith("file:") else f"from {urlsplit(torch.url).hostname}"
        yield f"  torch {torch.version}, {_build(torch, along)}: {_sum([torch])}, {where}"
        if along:
            names = ", ".join(package.name for package in sorted(along, key=lambda p: -(p.size or 0))[:3])
            yield f"  and what only this build of torch needs, {names} ... ({len(along)} packages): {_sum(along)}"
        yield "  For another build (CPU, CUDA, ROCm): Ctrl-C, and the same command with TORCH_INDEX=URL."
    elif (present := _present("torch")) is not None:
        yield f"  torch {present} is here already and stays."


def locked(lock: Path) -> set[str]:
    """The names in a lock and in those that it stands on."""
    names: set[str] = set()
    for line in lock.read_text().splitlines():
        if line.startswith("-r "):
            names |= locked(lock.parent / line.removeprefix("-r ").strip())
        elif "==" in line and not line.startswith("#"):
            names.add(_plain(line.partition("==")[0]))
    return names


def _build(torch: Package, along: Sequence[Package]) -> str:
    label = torch.version.partition("+")[2]
    if label.startswith("cu") or any(package.name.startswith(("nvidia-", "cuda-")) for package in along):
        return "the build with CUDA, for NVIDIA's GPUs"
    if label == "cpu" or (not label and not along):
        return "the build for the CPU"
    return f"the build {label or 'without a label'}"


def _sum(packages: Sequence[Package]) -> str:
    known = [package.size for package in packages if package.size is not None]
    unknown = len(packages) - len(known)
    if not known:
        return "of unknown size"
    size = sum(known)
    said = f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"
    return f"{said} and {unknown} files of unknown size" if unknown else said


def _present(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _plain(name: str) -> str:
    """A name in the one spelling that indexes compare by."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
