"""doctor: looks at the machine as the service would and says what to do. It makes the store where there is
none, and nothing else that stays: what it writes to find out whether it may, it takes away again.
"""

import errno
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.markup import escape

from app.errors import NOTHING_LASTS
from app.settings import Settings, unknown
from app.storage import state
from app.storage.db import Database
from app.supervision import exposure
from app.supervision.probe import Found, Who, probe
from app.web.access.loopback import listens_on_loopback
from models_store.errors import StoreError
from models_store.refs import Ref, is_name
from models_store.registry import Registry
from models_store.shipped_version import open_store
from models_store.store.ballast import Ballast

_MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_FREE_BYTES = 500 * 2**20
_DATABASE_SECONDS = 2.0
_PROBE_SECONDS = 5.0  # a server that loads its model answers when it has
_MARKS = {"ok": "[green]ok  [/]", "note": "[yellow]note[/]", "bad": "[red]BAD [/]"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at. Only `bad` keeps the service from working; `note` says what else is possible."""

    mark: str
    what: str


def run() -> int:
    """Prints every finding. Returns 1 where one is bad. A setting that can't be used is one, and no more."""
    console = Console(highlight=False, soft_wrap=True)
    settings, refused = Settings.lenient()
    findings = [
        *_python(), *(Finding("bad", sentence) for sentence in refused), *(Finding("note", slip) for slip in unknown()),
        *_torch(settings), *_store(settings), *_state(settings), *_keys(settings), *_data(settings), *_port(settings),
    ]  # fmt: skip
    for finding in findings:
        console.print(f"{_MARKS[finding.mark]}  {escape(finding.what)}")
    return 1 if any(finding.mark == "bad" for finding in findings) else 0


def _python() -> Iterator[Finding]:
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    advice = "" if good else ": use 3.11 to 3.13, where TorchScript is supported"
    yield Finding("ok" if good else "bad", f"Python {platform.python_version()}{advice}")
    for package in ("digitserve", "fastapi", "pillow"):
        try:
            yield Finding("ok", f"{package} {version(package)}")
        except PackageNotFoundError:
            yield Finding("bad", f"{package} is not installed: run `pip install -e .` in the project's folder")


def _torch(settings: Settings) -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError):
        yield Finding("bad", "torch cannot be imported: install it as pytorch.org/get-started says for this machine")
        return
    yield Finding("ok", f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()} instructions")
    if torch.cuda.is_available():
        yield Finding("ok", f"GPU: {torch.cuda.get_device_name()}")
    elif settings.device == "cuda":
        yield Finding("bad", "DIGITSERVE_DEVICE is cuda, and torch sees no GPU: set it to auto or install a CUDA torch")
    else:
        yield Finding("note", f"no GPU: models run on {len(os.sched_getaffinity(0))} CPU cores")


def _store(settings: Settings) -> Iterator[Finding]:
    try:
        registry = open_store(settings.store_dir)
    except (OSError, StoreError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        yield Finding(
            "bad", f"store {settings.store_dir}: {why}. Set DIGITSERVE_STORE_DIR to a folder you may write to"
        )
        return
    free = shutil.disk_usage(settings.store_dir).free
    room = f"store {settings.store_dir}: {free / 2**30:.1f} GiB free"
    if not os.access(settings.store_dir, os.W_OK):
        owner = f"it belongs to user {state.user(settings.store_dir.stat().st_uid)}, this is {state.user(os.geteuid())}"
        yield Finding("note", f"{room}; it may only be read: versions serve, none can be made or promoted ({owner})")
    else:
        yield Finding("ok" if free > _FREE_BYTES else "bad", room)
    yield from _held("store", registry.ballast)
    yield from _versions(registry)
    if settings.default_model not in registry.models():
        yield Finding(
            "bad", f"the default model {settings.default_model} is not in the store: set DIGITSERVE_DEFAULT_MODEL"
        )


def _held(where: str, ballast: Ballast) -> Iterator[Finding]:
    if held := ballast.bytes():
        yield Finding("ok", f"{where}: {held / 2**20:.0f} MiB are held back for a full disk, where deleting works so")


def _versions(registry: Registry) -> Iterator[Finding]:
    for link in [path for path in registry.root.iterdir() if path.is_symlink() and is_name(path.name)]:
        yield Finding("bad", f"{link.name} in the store is a link: copy what it leads to into the store in its place")
    for name in registry.models():
        aliases = {number: alias for alias, number in registry.aliases(name).items()}
        for number in registry.versions(name):
            ref = f"{name}@{number}"
            try:
                accuracy = registry.verify(Ref(name, None, number)).manifest.metrics.get("accuracy", 0)
                yield Finding(
                    "ok", f"{ref} {aliases.get(number, '')}: every byte as published, accuracy {accuracy:.2%}"
                )
            except StoreError as refusal:
                yield Finding("bad", f"{ref} {aliases.get(number, '')}: {refusal}")


def _state(settings: Settings) -> Iterator[Finding]:
    database = settings.database_file
    try:
        trouble = state.trouble(settings.state_dir, database)
    except OSError as error:
        yield Finding(
            "bad",
            f"state {settings.state_dir}: {error.strerror}. Set DIGITSERVE_STATE_DIR to a folder that can be made",
        )
        return
    yield Finding("bad", f"state {trouble}") if trouble else Finding("ok", f"state {settings.state_dir}")
    elsewhere = state.misplaced(database) if database else None
    if elsewhere:
        yield Finding("note", elsewhere)
    opened = Database(settings.database, _DATABASE_SECONDS)
    if opened.ballast is not None:
        yield from _held("database", opened.ballast)
    try:
        opened.check()
    except NOTHING_LASTS as refusal:
        yield Finding("bad", f"database: {refusal}")
    finally:
        opened.close()


def _keys(settings: Settings) -> Iterator[Finding]:
    try:
        keys = exposure.count(settings, _DATABASE_SECONDS)
    except NOTHING_LASTS:  # said of the database already
        yield Finding("note", "keys: the database does not say which there are; nobody is let in until it does")
        return
    why = exposure.refusal(settings, keys, is_local=listens_on_loopback(settings.host))
    if why:
        yield Finding("bad", f"keys: the server would refuse to start. {why}")
    elif keys.usable:
        yield Finding("ok", f"keys: {len(keys.usable)} of them count, and nobody is let in without one")
    elif keys.ever_made:
        yield Finding("note", "keys: none counts any longer, so nobody is let in; `digitserve keys create` makes one")
    else:
        who = f"whoever reaches {settings.host}" if settings.insecure else "this machine"
        yield Finding("note", f"keys: there is none, and {who} may do all that the service does")


def _data(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir / "MNIST" / "raw"
    missing = [name for name in _MNIST if not (folder / name).is_file()]
    if missing:
        yield Finding(
            "note",
            f"MNIST is not in {folder}: serving needs none; to train, set DIGITSERVE_DATA_DIR or let it download",
        )
    else:
        yield Finding("ok", f"MNIST in {folder}")


def _port(settings: Settings) -> Iterator[Finding]:
    place = f"port {settings.port} on {settings.host}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((settings.host, settings.port))
            yield Finding("ok", f"{place} is free")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                yield _who_has(place, probe(settings.host, settings.port, _PROBE_SECONDS))
            else:
                yield Finding("bad", f"{place} cannot be had ({error.strerror}): set --host and --port")
        except UnicodeError:
            yield Finding("bad", f"{place} cannot be had (no host can be called that): set --host")


def _who_has(place: str, found: Found) -> Finding:
    match found.who:
        case Who.READY:
            return Finding("ok", f"{place}: DigitServe runs there, and {found.model} answers")
        case Who.NOT_READY:
            return Finding("note", f"{place}: DigitServe runs there, and no model answers yet")
        case Who.ENDING:
            return Finding("note", f"{place}: DigitServe is about to end there")
    return Finding("bad", f"{place} is taken by another program: serve on another with --port")
