"""Sends a person's labelled pictures to the server: a folder goes as a zip, and so does a CSV with the files that it
names.
"""

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from app.cli.client import Client
from app.cli.refusal import Refusal
from app.cli.terminal import print_plainly
from models_store.datasets.passed_over import is_clutter

_TABLE = "labels.csv"  # what the server looks for at the top of a zip
_HEAD = 65_536  # bytes that tell what separates the columns of a CSV


def check(place: str) -> bool:
    """Whether there is something to send at `place`: a path. Otherwise it names what the server has.

    Raises Refusal where nothing can come of it.
    """
    path = Path(place)
    if (place == "feedback" or place.startswith("file-")) and not path.exists():
        return False
    if not path.exists():
        raise Refusal(f"There is no file or folder {place}. Look at the path.", 2)
    if path.is_dir():
        _members(path)
    elif not path.is_file():
        raise Refusal(f"{place} is neither a file nor a folder. Name one.", 2)
    else:
        with path.open("rb") as file:
            if not file.read(1):
                raise Refusal(f"The file {place} is empty. Name one that holds labelled pictures.", 2)
    return True


def sent(client: Client, place: str) -> str:
    """The id of the data set at `place`: a path, or such an id already, or `feedback` for all corrections. Prints what
    the server found in a file.

    Raises Refusal.
    """
    if not check(place):
        return place if place == "feedback" else str(client.file(place)["id"])
    with _as_file(Path(place)) as (file, name):
        entry = client.upload(file, name)
    print_plainly(f"{entry['filename']} is {entry['id']}: {described(entry.get('report') or {})}")
    return str(entry["id"])


@contextmanager
def taken_back(client: Client, uploaded: Iterable[str]) -> Iterator[None]:
    """Where the block is refused or broken off, the data sets of these ids are deleted again: nobody would."""
    try:
        yield
    except (Refusal, KeyboardInterrupt):
        for file_id in uploaded:
            with suppress(Refusal, httpx.TransportError):  # a job may need it after all, or nobody answers
                client.delete(file_id)
                print_plainly(f"{file_id} is deleted again.")
        raise


def described(report: dict[str, Any]) -> str:
    """A server's report on a data set, for people: what is used, and what is left out for which reason."""
    refused = report.get("refused") or {}
    left_out = {
        "that come twice": report.get("duplicates", 0),
        "with two labels": report.get("conflicting_labels", 0),
        **{f"refused as {code}": count for code, count in refused.items()},
    }
    per_label = report.get("per_label") or {}
    labels = f" with {len(per_label)} {'label' if len(per_label) == 1 else 'labels'}" if per_label else ""
    used = f"{report.get('kept', 0):,} of {report.get('rows', 0):,} pictures are used{labels}."
    reasons = ", ".join(f"{count:,} {why}" for why, count in left_out.items() if count)
    if not reasons:
        return " ".join([used, *_beside(report)])
    examples = report.get("examples") or []
    example = f" ({examples[0]['where']}: {examples[0]['why'].rstrip('.')})" if examples else ""
    return " ".join([f"{used} Left out: {reasons}{example}.", *_beside(report)])


def _beside(report: dict[str, Any]) -> Iterator[str]:
    """What else there is to know: parts, how a table was read, files that are no pictures."""
    parts = {name: sum(counts.values()) for name, counts in (report.get("per_split") or {}).items()}
    if parts:
        yield f"Parts: {', '.join(f'{name} {count:,}' for name, count in parts.items())}; only train is learned."
    if report.get("label_column"):
        scale = f"; its pixels are {report['scale']}" if report.get("scale") else ""
        yield f"The table's label is {report['label_column']}{scale}."
    passed = (report.get("passed_over") or {}).items()
    if passed:
        found = (f"{each['count']:,} {why} ({each['names'][0]})" for why, each in passed)
        yield f"Passed over: {', '.join(found)}."


@contextmanager
def _as_file(path: Path) -> Iterator[tuple[Path, str]]:
    """The file to send and what to call it. What has to become a zip is one that is gone afterwards."""
    members = _members(path) if path.is_dir() else _table_and_files(path)
    if not members:
        yield path, _utf8(path.name)
        return
    with tempfile.TemporaryDirectory(prefix="digitserve-") as folder:
        file = Path(folder) / "data.zip"
        with zipfile.ZipFile(file, "w", strict_timestamps=False) as archive:  # stored: pictures are compressed already
            for name, member in members.items():
                archive.write(member, name)
        called = path.resolve().name if path.is_dir() else path.stem
        yield file, f"{_utf8(called) or 'pictures'}.zip"


def _members(folder: Path) -> dict[str, Path]:
    """Its files by their names in the zip, in one order whenever it is read; none that a file manager hides."""
    found: dict[str, Path] = {}
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_clutter(name))
        for name in sorted(names):
            path = Path(root, name)
            if not is_clutter(name) and path.is_file():
                inside = path.relative_to(folder).as_posix()
                if inside != _utf8(inside):
                    raise Refusal(f"The name {_utf8(inside)} in {_utf8(str(folder))} is not in UTF-8. Rename it.", 2)
                found[inside] = path
    if not found:
        raise Refusal(f"The folder {folder} holds no file. Put the pictures into a folder for each label.", 2)
    return found


def _table_and_files(path: Path) -> dict[str, Path]:
    """A CSV and the files that it names, by their names in the zip; nothing where a file stands for itself."""
    if path.suffix.lower() not in (".csv", ".tsv"):
        return {}
    from models_store.datasets import csv_table
    from models_store.datasets.rows import Row
    from models_store.errors import DataSetRejected

    named: dict[str, Path] = {}

    def note(name: str) -> bytes:
        named[name] = path.parent / name
        return b""

    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(0)
            for row in csv_table.rows(file, head, note):
                if isinstance(row, Row) and not named:
                    break  # it holds pixels, and needs no file
    except DataSetRejected:
        return {}  # the server says why
    beside = {name: place for name, place in named.items() if place.is_file()}  # of the others the server says so
    return {**beside, _TABLE: path} if named else {}


def _utf8(name: str) -> str:
    """A file's name as it can be sent and shown: a byte that is not UTF-8 becomes a question mark."""
    return name.encode(errors="replace").decode()
