"""The rows of the fault table about data sets, through HTTP: each gets its answer, and of a bad set nothing is left."""

import stat
import zipfile
from collections.abc import AsyncIterator, Callable

import pytest
from PIL import Image

from tests.support.pictures import saved
from tests.support.uploading import FILES, Service, digits, lines, packed, picture, serving
from tests.unit.models_store.datasets import test_archive as archive
from tests.unit.models_store.datasets.test_clean import unit

RAW = {"content-type": "application/octet-stream"}
CSV = {"content-type": "text/csv"}
GOOD = [("7/a.png", picture(1)), ("1/b.png", picture(2))]
WHOLE = archive.zipped(GOOD, zipfile.ZIP_DEFLATED)


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One for the whole file: what a test uploads it deletes."""
    async with serving(tmp_path_factory.mktemp("files")) as running:
        yield running


def special(kind: int) -> bytes:
    info = zipfile.ZipInfo("7/a.png")
    info.external_attr = (kind | 0o777) << 16
    return archive.zipped([*GOOD[1:], (info, b"/etc/passwd")])


def pixels(label: str, seed: int) -> bytes:
    """A line of MNIST as CSV."""
    return f"{label},{','.join(map(str, unit(seed).flatten().tolist()))}\n".encode()


def damaged() -> bytes:
    stored = bytearray(archive.zipped(GOOD))
    stored[60] ^= 1  # in the first picture
    return bytes(stored)


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        pytest.param(
            lambda: archive.zipped([(f"7/{n}.png", bytes(2**20)) for n in range(257)], zipfile.ZIP_DEFLATED),
            413, "archive_too_large", id="zip bomb",
        ),
        pytest.param(
            lambda: archive.patched(WHOLE, 0, archive.EXPANDED, 2**32 - 2), 413, "archive_too_large", id="says 4 GB"
        ),
        pytest.param(
            lambda: archive.patched(WHOLE, 0, archive.EXPANDED, 10), 422, "archive_invalid", id="says ten bytes"
        ),
        pytest.param(
            lambda: archive.zipped([(f"7/{n}", b"") for n in range(10_001)]), 413, "archive_too_many_entries",
            id="too many entries",
        ),
        pytest.param(
            lambda: archive.overlapping("two entries, one member"), 422, "archive_invalid", id="shared member"
        ),
        pytest.param(archive.quoted, 422, "archive_invalid", id="overlap in an extra field"),
        pytest.param(lambda: archive.zipped([("../x.png", b"x")]), 422, "archive_bad_name", id="zip-slip"),
        pytest.param(lambda: archive.zipped([("/etc/x.png", b"x")]), 422, "archive_bad_name", id="absolute"),
        pytest.param(lambda: archive.zipped([("7\\x.png", b"x")]), 422, "archive_bad_name", id="backslash"),
        pytest.param(
            lambda: archive.zipped([("7/evil_.png", b"x")]).replace(b"evil_", b"evil\0"), 422, "archive_bad_name",
            id="NUL",
        ),
        pytest.param(
            lambda: archive.zipped([("a.png", b"1"), ("b.png", b"2")]).replace(b"b.png", b"a.png"), 422,
            "archive_bad_name", id="duplicate",
        ),
        pytest.param(
            lambda: packed({"train/a.png": picture(1), "val/b.png": picture(2)}), 422, "layout_unclear", id="no labels"
        ),
        pytest.param(
            lambda: packed({"a/7/a.png": picture(1), "b/1/b.png": picture(2)}), 422, "layout_unclear", id="open layout"
        ),
        pytest.param(
            lambda: packed({"train.csv": pixels("7", 1), "test.csv": pixels("1", 2)}), 422, "layout_unclear",
            id="two tables",
        ),
        pytest.param(lambda: special(stat.S_IFLNK), 422, "archive_invalid", id="symlink"),
        pytest.param(lambda: special(stat.S_IFBLK), 422, "archive_invalid", id="device"),
        pytest.param(lambda: archive.patched(WHOLE, 1, archive.FLAGS, 1), 422, "archive_invalid", id="encrypted"),
        pytest.param(lambda: packed({"7/a.png": WHOLE}), 422, "archive_invalid", id="nested"),
        pytest.param(lambda: WHOLE[:-40], 422, "archive_invalid", id="truncated"),
        pytest.param(damaged, 422, "archive_invalid", id="bad CRC"),
        pytest.param(lambda: packed({}), 422, "data_empty", id="empty zip"),
        pytest.param(lambda: b"  \r\n", 422, "data_empty", id="blank"),
        pytest.param(lambda: packed({"a.png": picture(1)}), 422, "labels_missing", id="no label"),
        pytest.param(lambda: b"file;height\na.png;3\n", 422, "labels_missing", id="table without labels"),
        pytest.param(lambda: picture(1), 422, "data_unknown_type", id="one picture"),
        pytest.param(lambda: b"[]", 422, "data_unknown_type", id="JSON, not lines of it"),
        pytest.param(lambda: bytes(1000), 422, "data_unknown_type", id="zeros"),
        pytest.param(
            lambda: b"label,file\n" + b"7,a\n" * 10_001, 413, "too_many_rows", id="too many lines"
        ),
        pytest.param(
            lambda: packed({"labels.csv": b"label,file\n" + b"7,a.png\n" * 10_001, "a.png": b"x"}), 413,
            "too_many_rows", id="one picture 10,001 times",
        ),
    ],
)  # fmt: skip
async def test_an_unusable_set(service: Service, make: Callable[[], bytes], status: int, code: str) -> None:
    answer = await service.http.post(FILES, content=make(), headers=RAW)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"].endswith(".")
    assert service.left() == [] and (await service.http.get(FILES)).json()["data"] == []


@pytest.fixture
async def emptied(service: Service) -> AsyncIterator[Service]:
    """The service, without its uploads afterwards."""
    yield service
    for file in (await service.http.get(FILES)).json()["data"]:
        await service.http.delete(f"{FILES}/{file['id']}")
    assert service.left() == []


async def test_ten_thousand_rows_are_not_too_many(emptied: Service) -> None:
    answer = await emptied.http.post(FILES, content=b"label,file\n" + b"7,a\n" * 10_000, headers=CSV)
    assert answer.status_code == 200 and answer.json()["report"]["refused"] == {"file_missing": 10_000}
    assert len(answer.json()["report"]["examples"]) == 100


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (WHOLE, "application/zip"),
        (packed({"labels.csv": b"file,label\na.png,7\nb.png,1\n", "a.png": GOOD[0][1], "b.png": GOOD[1][1]}),
         "application/x-zip-compressed"),
        (lines(("7", GOOD[0][1]), ("1", GOOD[1][1])), "application/jsonl"),
        (packed({"rows.jsonl": lines(("7", GOOD[0][1]), ("1", GOOD[1][1]))}), "application/octet-stream"),
        (b"\xef\xbb\xbf" + pixels("7", 1) + pixels("1", 2), "text/csv"),
    ],
)  # fmt: skip
async def test_every_layout(emptied: Service, data: bytes, content_type: str) -> None:
    answer = await emptied.http.post(FILES, content=data, headers={"content-type": content_type})
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    assert (report["rows"], report["kept"], report["per_label"]) == (2, 2, {"7": 1, "1": 1})


async def test_a_table_reaches_no_other_file_of_this_machine(emptied: Service) -> None:
    other = (await emptied.http.post(FILES, content=digits(), headers=RAW)).json()["id"]
    within_reach = [place / "x.png" for place in (emptied.folder, emptied.folder / other, emptied.folder.parent)]
    for path in within_reach:
        path.write_bytes(picture(1))
    names = [
        "../x.png", "../../x.png", f"../{other}/x.png", f"{other}/x.png", f"../{other}/data", "x.png", "data", ".",
        str(emptied.folder / "x.png"), f"./../{other}/x.png", "..\\x.png", "~/x.png",
        "file:///etc/passwd", "/proc/self/environ",
    ]  # fmt: skip
    table = "label,file\n" + "".join(f"7,{name}\n" for name in names)
    answer = await emptied.http.post(FILES, content=table.encode(), headers=CSV)
    assert answer.status_code == 200, answer.text
    within_reach[0].unlink()
    report = answer.json()["report"]
    assert (report["rows"], report["kept"]) == (len(names), 0)
    codes = {found["where"]: found["code"] for found in report["examples"]}
    assert [codes[f"line {n}"] for n in range(2, len(names) + 2)] == [
        "path_outside", "path_outside", "path_outside", "file_missing", "path_outside", "file_missing",
        "image_invalid",  # the table itself
        "file_unreadable", "path_outside", "path_outside", "path_outside", "file_missing", "file_missing",
        "path_outside",
    ]  # fmt: skip


async def test_colour_and_odd_pictures_are_read_as_in_serving(emptied: Service) -> None:
    drawn = Image.new("RGBA", (90, 120), (0, 0, 0, 0))
    drawn.paste((200, 30, 30, 255), (40, 20, 50, 100))
    files = {"1/a.png": saved(drawn), "1/b.bmp": saved(drawn.convert("RGB"), "BMP"), "1/c.avif": saved(drawn, "AVIF")}
    files |= {"7/d.gif": saved(drawn.rotate(90, expand=True), "GIF"), "7/e.tif": saved(drawn.rotate(7), "TIFF")}
    report = (await emptied.http.post(FILES, content=packed(files), headers=RAW)).json()["report"]
    assert report["refused"] == {"unsupported_image_format": 1}
    assert report["kept"] + report["duplicates"] == 4
