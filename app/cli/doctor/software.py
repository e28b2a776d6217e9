"""What is installed, and whether it works: Python, packages, torch, extras that settings need, a child that decodes."""

import asyncio
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from app.cli.doctor.finding import Finding, bad, note, ok
from app.decoding.process import ChildEnded, DecodingChild
from app.errors import CannotStart
from app.settings import Settings
from app.telemetry.tracing import wanted
from models_store.machine import cores

_PACKAGES = "digitserve", "fastapi", "pillow"
_CHILD_BYTES = 512 * 2**20
_CHILD_SECONDS = 30.0


def python() -> Iterator[Finding]:
    """The interpreter, and what must be installed."""
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    said = f"Python {platform.python_version()}"
    yield ok("python", said) if good else bad("python", said, "use 3.11 to 3.13, where TorchScript is supported")
    for package in _PACKAGES:
        try:
            yield ok("packages", f"{package} {version(package)}")
        except PackageNotFoundError:
            yield bad("packages", f"{package} is not installed", "run `pip install -e .` in the project's folder")


def torch(settings: Settings) -> Iterator[Finding]:
    """What models are computed with."""
    try:
        import torch
    except (ImportError, OSError):
        yield bad("torch", "torch cannot be imported", "install it as pytorch.org/get-started says for this machine")
        return
    yield ok("torch", f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()} instructions")
    engines = [name for name in torch.backends.quantized.supported_engines if name != "none"]
    if engines:
        yield ok("torch", f"int8 is computed by {torch.backends.quantized.engine} (there are {', '.join(engines)})")
    else:
        yield note("torch", "this torch has no engine for int8, so that fp32 or bf16 answer", "install another build")
    if torch.cuda.is_available():
        yield ok("torch", f"GPU: {torch.cuda.get_device_name()}")
    elif settings.device == "cuda":
        yield bad("torch", "DIGITSERVE_DEVICE is cuda, and torch sees no GPU", "set it to auto or install a CUDA torch")
    else:
        yield note("torch", f"no GPU: models run on {cores()} CPU cores")


def extras(settings: Settings) -> Iterator[Finding]:
    """What is not installed by default and a setting needs."""
    try:
        wanted.check(settings.traces_url)
    except CannotStart as refusal:
        yield bad("extras", str(refusal), 'run `pip install "digitserve[tracing]"`, or leave the setting empty.')
    else:
        if settings.traces_url:
            yield ok("extras", "traces: OpenTelemetry is installed")


def decoding() -> Iterator[Finding]:
    """Starts a child as the service does for strangers' pictures, and ends it."""
    try:
        asyncio.run(_begun())
    except (OSError, ChildEnded, TimeoutError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it ended before it could answer"
        yield bad(
            "decoding", f"no child that decodes pictures can be started ({why})",
            "raise the limits of processes and memory of this user (`ulimit -u`, TasksMax, pids); see `dmesg`.",
        )  # fmt: skip
    else:
        yield ok("decoding", "a child that decodes pictures starts and answers")


async def _begun() -> None:
    child = DecodingChild(0, _CHILD_BYTES)
    try:
        await asyncio.wait_for(child.ready(), _CHILD_SECONDS)
    finally:
        await child.end()
