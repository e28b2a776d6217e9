"""`digitserve backup` and `digitserve restore`: all that a service has in one file, and back. They need no server; one
may run while a backup is made.
"""

import argparse
import contextlib
import datetime
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app.cli.refusal import Refusal

if TYPE_CHECKING:
    from app.storage.backup.contents import Contents

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: "Commands") -> None:
    """Adds `backup` and `restore`."""
    backup = commands.add_parser(
        "backup",
        help="copy all that the service has into one file, while it serves",
        description="Copies rows, versions and people's pictures into one file. Of keys it has only the SHA-256.",
    )
    backup.add_argument("path", help="a new file, or a folder: the file is called by the time then")
    backup.add_argument("--check", action="store_true", help="read such a file to its end and say whether it is whole")
    backup.set_defaults(command=_backup)
    restore = commands.add_parser(
        "restore",
        help="put a backup in place where nothing is yet",
        description="Checks a backup to its end and puts it where the settings say, whole or not at all. There must be "
        "nothing yet. Restore only what you trust: a version is a program.",
    )
    restore.add_argument("path", help="what `digitserve backup` made")
    restore.set_defaults(command=_restore)


def _backup(options: argparse.Namespace) -> None:
    if options.check:
        _check(Path(options.path))
        return
    from app.cli import kept
    from app.storage.audit.acting import as_system_user
    from app.storage.backup.make import make

    as_system_user()
    places, path = kept.places(), _target(options.path)
    with _refused(), _showing("Backup", sum(map(_size, (places.store, places.state)))) as shown:
        made = make(places, kept.NAMES, path, shown)
        kept.note(places, made)
    for sentence in made.warnings:
        print(f"digitserve: {sentence}", file=sys.stderr)
    print(f"{made.path}: {_told(made.contents)}, {made.bytes / 2**20:.1f} MiB")


def _check(path: Path) -> None:
    from app.cli import kept
    from app.storage.backup.check import check

    with _refused(), _showing("Check", _size(path)) as shown:
        contents = check(path, kept.NAMES, shown)
    print(f"{path} is whole: {_told(contents)}; made {contents.created_at} by {contents.release}")


def _restore(options: argparse.Namespace) -> None:
    from app.cli import kept
    from app.storage.audit.acting import as_system_user
    from app.storage.backup.restore import restore

    as_system_user()
    path = Path(options.path)
    with _refused(), _showing("Restore", _size(path)) as shown:
        contents = restore(path, kept.places(), kept.NAMES, kept.revive, shown)
    print(f"Restored {_told(contents)}, as of {contents.created_at}. Start the server.")


def _target(text: str) -> Path:
    path = Path(text).absolute()
    if path.is_dir():
        return path / f"digitserve-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}.tar"
    if text.endswith("/") or not path.parent.is_dir():
        raise Refusal(f"There is no folder {path if text.endswith('/') else path.parent}. Make it first.", 2)
    return path


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """Raises Refusal for what the service's own errors say. SIGTERM ends it as Ctrl-C does: nothing half-made stays."""
    from app.errors import AppError, BackupRefused

    def end(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except (AppError, BackupRefused) as refusal:
        raise Refusal(str(refusal)) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _showing(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error where somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(bar_width=None), DownloadColumn(binary_units=True)
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=max(1, total))
        yield lambda done: bar.update(task, completed=done)


def _size(place: Path) -> int:
    """Bytes of a file, or of all below a folder, as far as they can be seen."""
    paths = place.rglob("*") if place.is_dir() else [place]
    size = 0
    for path in paths:
        with contextlib.suppress(OSError):
            size += path.lstat().st_size
    return size


def _told(contents: "Contents") -> str:
    from app.cli import kept

    return ", ".join(f"{word} {count:,}" for word, count in kept.counted(contents).items())
