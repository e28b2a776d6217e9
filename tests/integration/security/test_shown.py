"""What people have sent is shown to browsers as what it is, and never as a page of this service."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running
from tests.support.uploading import ZIP, packed

PICTURE = (EXAMPLES / "7.png").read_bytes()
PAGE = b"<!doctype html><script>alert(document.domain)</script>"
MARKUP = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_app(Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state"))) as client:
        yield client


async def test_an_upload_is_never_a_page(http: httpx.AsyncClient) -> None:
    table = f"file,label\n7/{MARKUP.replace('/', '')}.png,7\n".encode()
    sent = {
        "a page": (PAGE, "text/csv"),
        "a zip with a page": (packed({"7/a.png": PICTURE, "index.html": PAGE, "7/x.svg": PAGE}), "application/zip"),
        "a zip before a page": (packed({"7/a.png": PICTURE}) + PAGE, "application/zip"),
        "a table": (packed({"labels.csv": table}), "application/zip"),
    }
    for name, (data, kind) in sent.items():
        answer = await http.post("/v1/files", params={"filename": f"{MARKUP}.html"}, content=data,
                                 headers={"content-type": kind})  # fmt: skip
        assert answer.status_code < 500, name
        assert answer.headers["content-type"] in ("application/json", "application/problem+json")
    for one in (await http.get("/v1/files")).json()["data"]:
        content = await http.get(f"/v1/files/{one['id']}/content")
        assert content.headers["content-type"] == "application/octet-stream"
        assert content.headers["content-disposition"].startswith("attachment")
        assert not set(content.headers["content-disposition"]) & set("<>\r\n")
        assert content.headers["x-content-type-options"] == "nosniff"


async def test_markup_in_a_name_comes_back_as_json_only(http: httpx.AsyncClient) -> None:
    file = (f"{MARKUP}.png", PICTURE)
    answers = [
        await http.get(f"/{MARKUP}"),
        await http.get("/v1/models", params={MARKUP: MARKUP}),
        await http.get("/v1/models/x", headers={"x-request-id": MARKUP}),
        await http.post("/v1/predict", files={"file": file}),
        await http.post("/v1/predict", files={MARKUP: file}),
        await http.post("/v1/predict/batch", files={"files": file}),
        await http.post("/v1/feedback", data={"label": MARKUP}, files={"file": file}),
        await http.post("/v1/files", params={"filename": MARKUP}, content=packed({f"{MARKUP}/a.png": PICTURE}),
                        headers=ZIP),
        await http.post("/v1/fine_tuning/jobs", json={"model": MARKUP, "training_file": MARKUP, MARKUP: MARKUP}),
    ]  # fmt: skip
    for answer in answers:
        assert answer.headers["content-type"] in ("application/json", "application/problem+json"), answer.url
        assert "<" not in "".join(answer.headers.values())


async def test_a_kept_picture_is_pixels_whatever_was_sent(http: httpx.AsyncClient) -> None:
    """A PNG with a page behind its end, or in a text chunk, comes back without it."""
    made = await http.post("/v1/feedback", data={"label": "7"}, files={"file": ("7.png", PICTURE + PAGE)})
    assert made.status_code == 201, made.text
    kept = await http.get(f"/v1/feedback/{made.json()['id']}/picture")
    assert (kept.status_code, kept.headers["content-type"]) == (200, "image/png")
    assert PAGE not in kept.content and kept.content.startswith(b"\x89PNG")
    export = await http.get("/v1/feedback/export")
    assert export.headers["content-type"] == "application/zip" and PAGE not in export.content


@pytest.mark.parametrize(
    "ranges", ["0-," * 1500 + "0-", ",".join(f"{at}-{at}" for at in range(1500)), "-1," * 1500 + "0-"]
)
async def test_many_ranges_of_a_file_of_a_page_bring_no_more_than_the_file(
    http: httpx.AsyncClient, ranges: str
) -> None:
    whole = await http.get("/ui/style.css")
    part = await http.get("/ui/style.css", headers={"range": f"bytes={ranges}"})
    assert part.status_code in (200, 206, 400, 416)
    assert len(part.content) <= len(whole.content) + 250 * ranges.count(",")


async def test_no_name_ends_a_header_and_begins_another(http: httpx.AsyncClient) -> None:
    """Names that come back in a header: of a file that is saved, of a request, of an address that is elsewhere."""
    broken = "a.zip\r\nset-cookie: x=1\r\n\r\n<script>"
    made = await http.post("/v1/files", params={"filename": broken}, content=packed({"7/a.png": PICTURE}), headers=ZIP)
    answers = [
        made,
        await http.get(f"/v1/files/{made.json()['id']}/content"),
        await http.get(httpx.URL("http://test", raw_path=b"/v1/models/%0d%0aset-cookie:%20x=1/")),
        await http.get(httpx.URL("http://test", raw_path=b"/v1/models%0d%0aset-cookie:%20x=1/")),
        await http.get(httpx.URL("http://test", raw_path=b"//evil.example/%0d%0aset-cookie:%20x=1/")),
        await http.get("/healthz", headers={b"x-request-id": b"a\x85b\xe2\x80\xa8set-cookie: x=1"}),
    ]
    for answer in answers:
        assert "set-cookie" not in answer.headers
        for name, value in answer.headers.multi_items():
            assert value.isprintable() and "\r" not in value and "\n" not in value, (answer.url, name)
        assert not answer.headers.get("location", "/").startswith("//")
