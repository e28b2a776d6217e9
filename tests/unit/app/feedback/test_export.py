"""Corrections as a data set: whatever the labels are called, what is read back is what was written."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.feedback import export
from app.feedback.tables import Correction
from models_store.datasets import formats
from models_store.datasets.rows import Refused, Row, RowRejected, label_of
from tests.support.correcting import picture

ODD = [
    "..", ".", "a/b", "/", "\\", "a\\b", "C:", "7 ", "labels.csv", "__MACOSX", ".hidden", "Thumbs.db", 'a"b', "a,b",
    "a;b", "a\tb", "=1+1", "'", "ä", "\u212b", "७", "数", "🙂", "a b", "a.", "a. .b", "-", "+", "CON", "x" * 64,
    "%2e%2e", "file", "~",
]  # fmt: skip


def correction(number: int, label: str) -> Correction:
    return Correction(
        id=f"fb-{number:024x}", created_at=0, changed_at=0, model="m", label=label, read_by=None, read_as=None,
        sha256="", bytes=0, width=0, height=0, job=None,
    )  # fmt: skip


def read(one: Correction) -> bytes | None:
    return picture(int(one.id[3:], 16))


def corrections(labels: Sequence[str]) -> list[Correction]:
    return [correction(number, label) for number, label in enumerate(labels)]


def rows_of(data: bytes | Path) -> list[tuple[str, bytes]]:
    rows = list(formats.read(data))
    assert not any(isinstance(row, Refused) for row in rows), rows
    return sorted((row.label, row.data) for row in rows if isinstance(row, Row))


def check(labels: Sequence[str]) -> bytes:
    """The zip of these labels, which is read back as they are."""
    chosen = corrections(labels)
    data = b"".join(export.stream(chosen, read))
    assert rows_of(data) == sorted((one.label, read(one)) for one in chosen)
    return data


def names(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def usable(text: str) -> bool:
    try:
        return label_of(text) == text
    except RowRejected:
        return False


def test_a_folder_per_label() -> None:
    assert names(check(["7", "1", "7"])) == [f"{label}/fb-{n:024x}.png" for n, label in enumerate("717")]


@pytest.mark.parametrize("label", ["7", "ä", "数", "a b", "x-1", "A.b"])
def test_labels_that_are_folders(label: str) -> None:
    assert "labels.csv" not in names(check([label, "other"]))


@pytest.mark.parametrize("label", [label for label in ODD if usable(label)])
def test_odd_labels_come_back(label: str, tmp_path: Path) -> None:
    for labels in ([label], [label, "7", label], [label, label + "x"[: 64 - len(label)]]):
        data = check(labels)
        folder = tmp_path / str(len(labels))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:  # as people unpack it
            archive.extractall(folder / str(len(data)))
        assert rows_of(folder / str(len(data))) == rows_of(data)


@pytest.mark.parametrize("label", ["train", "Val", "TEST", "$RECYCLE.BIN", "@eaDir"])
def test_labels_that_a_reader_takes_for_something_else_come_back(label: str) -> None:
    assert "labels.csv" in names(check([label, "7"]))


def test_labels_that_some_disks_take_for_one() -> None:
    assert "labels.csv" in names(check(["a", "A"])) and "labels.csv" not in names(check(["a", "b"]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(min_size=1, max_size=64).map(str.strip).filter(usable), min_size=1, max_size=5))
def test_any_labels_come_back(labels: list[str]) -> None:
    check(labels)


def test_what_was_deleted_meanwhile_is_left_out() -> None:
    for labels in ("717", ["a/b", "c", "d"]):
        chosen = corrections(labels)
        data = b"".join(export.stream(chosen, lambda one: None if one.id == chosen[1].id else read(one)))  # noqa: B023
        assert rows_of(data) == sorted((one.label, read(one)) for one in (chosen[0], chosen[2]))


def test_one_picture_is_in_memory_at_a_time() -> None:
    big = bytes(100_000)
    pieces = list(export.stream(corrections("7" * 10), lambda _: big))
    assert len(pieces) == 11 and all(100_000 < len(piece) < 101_000 for piece in pieces[:10])


def test_it_is_the_same_bytes_each_time() -> None:
    assert check(["7", "a/b"]) == check(["7", "a/b"])
