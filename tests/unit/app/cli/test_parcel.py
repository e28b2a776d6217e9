"""What `digitserve jobs create` makes of what lies on a disk, as a server receives it and as `datasets` reads it."""

import base64
import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.cli.client import Client
from app.cli.parcel import described, sent
from app.cli.refusal import Refusal
from models_store.datasets.formats import read
from models_store.datasets.rows import Refused, Row
from tests.support.answering import answering, as_json
from tests.unit.app.cli.test_jobs_create import FILE, file_in

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAG7buVgAAAABJRU5ErkJggg==")


def received(place: Path) -> tuple[str, bytes]:
    """The name and the bytes that arrive of a place."""
    with answering({"POST /v1/files": [as_json(FILE)]}) as (url, asked), Client(url) as client:
        assert sent(client, str(place)) == "file-1"
    return file_in(asked[0])


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_a_csv_goes_with_the_files_that_it_names_and_no_others(tmp_path: Path) -> None:
    table = "Digit;Path\n1;a.png\n7;deep\\b.png\n2;none.png\n3;../out.png\n4;/etc/hostname\n".encode("utf-8-sig")
    pictures = {"a.png": PNG, "deep/b.png": PNG + b"b", "c.png": PNG, "../out.png": PNG}
    written(tmp_path / "in", {**pictures, "mine.csv": table})
    name, data = received(tmp_path / "in" / "mine.csv")
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert name == "mine.zip"
    assert {member: archive.read(member) for member in archive.namelist()} == {
        "a.png": PNG, "deep/b.png": PNG + b"b", "labels.csv": table,
    }  # fmt: skip
    rows = list(read(data))
    assert [(row.label, row.data) for row in rows if isinstance(row, Row)] == [("1", PNG), ("7", PNG + b"b")]
    assert [row.code for row in rows if isinstance(row, Refused)] == ["file_missing", "path_outside", "path_outside"]


@pytest.mark.parametrize(
    "table", [b"7,0,0,0,255\n", b"label,p1,p2,p3,p4\n7,0,300,0,0\n7,0,0,0,255\n", b"a,b\n1,2\n", b"\xff\xfe\n"]
)
def test_a_csv_of_pixels_or_of_nothing_goes_as_it_is(table: bytes, tmp_path: Path) -> None:
    written(tmp_path, {"mine.csv": table, "7": PNG})
    assert received(tmp_path / "mine.csv") == ("mine.csv", table)


def test_names_that_are_not_in_utf_8_are_said_or_written_otherwise(tmp_path: Path) -> None:
    latin = os.fsdecode(b"caf\xe9")
    written(tmp_path, {f"{latin}.zip": b"PK", f"{latin}/7/a.png": PNG})
    assert received(tmp_path / f"{latin}.zip")[0] == "caf?.zip"
    assert received(tmp_path / latin)[0] == "caf?.zip"
    written(tmp_path, {f"mine/7/{latin}.png": PNG})
    with pytest.raises(Refusal, match=r"^The name 7/caf\?\.png in .* is not in UTF-8\. Rename it\.$") as refused:
        received(tmp_path / "mine")
    assert refused.value.exit_code == 2


def test_what_systems_add_is_not_sent(tmp_path: Path) -> None:
    clutter = ("$RECYCLE.BIN/x.png", "7/@eaDir/a.png", "7/Thumbs.db", ".git/a.png", "__MACOSX/7/a.png")
    written(tmp_path / "mine", {"train/7/a.png": PNG, "README.txt": b"x", **dict.fromkeys(clutter, b"x")})
    archive = zipfile.ZipFile(io.BytesIO(received(tmp_path / "mine")[1]))
    assert archive.namelist() == ["README.txt", "train/7/a.png"]


def test_a_report_is_told_in_words() -> None:
    report = {
        "rows": 9, "kept": 9, "per_label": {"1": 4, "7": 5}, "label_column": "column 1, called y", "scale": "0..16",
        "per_split": {"train": {"1": 4, "7": 2}, "test": {"7": 3}},
        "passed_over": {"system": {"count": 2, "names": ["Thumbs.db", "7/Thumbs.db"]}},
    }  # fmt: skip
    assert described(report) == (
        "9 of 9 pictures are used with 2 labels. Parts: train 6, test 3; only train is learned. The table's label is "
        "column 1, called y; its pixels are 0..16. Passed over: 2 system (Thumbs.db)."
    )


def test_corrections_are_named_and_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Client("http://127.0.0.1:1") as nobody:  # nothing is asked
        assert sent(nobody, "feedback") == "feedback"
