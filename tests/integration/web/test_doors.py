"""What clients of all kinds send to every door: HEAD, packed bodies, parameters that there are not, other fields."""

import base64
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running
from tests.support.uploading import ZIP, digits, packed

PICTURE = (EXAMPLES / "7.png").read_bytes()
CAP, FILE_CAP = 300_000, 500_000
PNG, GZIP = {"content-type": "image/png"}, {"content-encoding": "gzip"}
JOBS = "/v1/fine_tuning/jobs"


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """One service for the whole file; what a test keeps harms no other."""
    place = tmp_path_factory.mktemp("doors")
    settings = Settings(
        store_dir=place / "store", state_dir=place / "state", max_body_bytes=CAP, max_file_bytes=FILE_CAP
    )
    async with running(create_app(settings)) as client:
        yield client


async def routes(http: httpx.AsyncClient) -> list[tuple[str, str]]:
    """Every method and address of the document, its names filled with what nothing is called."""
    document = (await http.get("/openapi.json")).json()
    return [
        (method.upper(), path.replace("{ref}", "digits").replace("{", "").replace("}", ""))
        for path, methods in document["paths"].items()
        for method in methods
    ]


async def test_head_says_what_get_says_on_every_route(http: httpx.AsyncClient) -> None:
    named = [path for method, path in await routes(http) if method == "GET"]
    assert len(named) > 10
    for path in (*named, "/", "/review", "/docs", "/redoc", "/openapi.json", "/ui/style.css", "/nowhere"):
        got, head = await http.get(path), await http.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        own = {"x-request-id", "date"}
        if path in ("/metrics", "/v1/stats"):  # each answer counts the one before it
            own.add("content-length")
        assert {name: value for name, value in head.headers.items() if name not in own} == {
            name: value for name, value in got.headers.items() if name not in own
        }, path


async def test_an_address_names_all_methods_that_it_takes(http: httpx.AsyncClient) -> None:
    allowed = {
        "/healthz": "GET, HEAD",
        "/v1/files": "GET, POST, HEAD",
        "/v1/files/x": "GET, DELETE, HEAD",
        "/v1/predict": "POST",
        "/v1/review/x": "POST, DELETE",
        "/v1/models/digits/aliases/champion": "PUT, DELETE",
        "/": "GET, HEAD",
        "/openapi.json": "GET, HEAD",
        "/ui/style.css": "GET, HEAD",
    }
    for path, methods in allowed.items():
        for method in ("OPTIONS", "PATCH"):
            answer = await http.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, methods), path
    head = await http.head("/v1/predict")
    assert (head.status_code, head.headers["allow"], head.content) == (405, "POST", b"")


async def test_every_route_refuses_a_parameter_that_it_does_not_know(http: httpx.AsyncClient) -> None:
    for method, path in await routes(http):
        for query in ("mdoel=digits", "LIMIT=1", "=1"):
            answer = await http.request(method, f"{path}?{query}")
            assert (answer.status_code, answer.json()["code"]) == (422, "parameter_unknown"), (method, path)


async def test_pages_take_what_a_link_to_them_carries(http: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/ui/style.css"):
        assert (await http.get(f"{path}?utm_source=x&v=2")).status_code == 200


def form(name: str = "file", data: bytes = PICTURE) -> tuple[bytes, dict[str, str]]:
    request = httpx.Request("POST", "http://x", files={name: ("7.png", data)})
    return request.read(), {"content-type": request.headers["content-type"]}


async def in_chunks(data: bytes, size: int = 700) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def test_a_packed_picture_is_read_as_it_is(http: httpx.AsyncClient) -> None:
    body, kind = form()
    plain = (await http.post("/v1/predict", content=PICTURE, headers=PNG)).json()
    for data, headers in ((PICTURE, PNG), (body, kind)):
        packed = gzip.compress(data)
        for content in (packed, in_chunks(packed), gzip.compress(data[:99]) + gzip.compress(data[99:])):
            answer = await http.post("/v1/predict", content=content, headers={**headers, **GZIP})
            assert (answer.status_code, answer.json()["probabilities"]) == (200, plain["probabilities"])
    read = await http.post("/v1/read", content=gzip.compress(PICTURE), headers={**PNG, "content-encoding": "x-gzip"})
    assert read.json()["text"] == "7"


async def test_every_other_door_reads_gzip_too(http: httpx.AsyncClient) -> None:
    archive = packed({"7.png": PICTURE})
    batch = await http.post(
        "/v1/predict/batch",
        content=gzip.compress(archive),
        headers={**ZIP, **GZIP},
    )
    assert batch.json()["predictions"][0]["label"] == "7"
    correction = await http.post("/v1/feedback?label=7", content=gzip.compress(PICTURE), headers={**PNG, **GZIP})
    assert correction.status_code == 201
    uploaded = await http.post("/v1/files", content=in_chunks(gzip.compress(digits())), headers={**ZIP, **GZIP})
    assert (uploaded.status_code, uploaded.json()["bytes"]) == (200, len(digits()))
    job = await http.post(
        JOBS,
        content=gzip.compress(json.dumps({"model": "digits", "training_file": "file-none"}).encode()),
        headers={"content-type": "application/json", **GZIP},
    )
    assert (job.status_code, job.json()["code"]) == (404, "file_not_found")


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/read", "/v1/feedback", "/v1/files", "/v1/predict/batch", JOBS])
async def test_what_unpacks_to_too_much_is_refused_on_the_way(http: httpx.AsyncClient, path: str) -> None:
    kind = {"content-type": "application/zip" if path in ("/v1/files", "/v1/predict/batch") else "image/png"}
    cap = FILE_CAP if path == "/v1/files" else CAP
    bomb = gzip.compress(bytes(50 * 2**20))
    assert len(bomb) < cap
    answer = await http.post(path, content=bomb, headers={**kind, **GZIP})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    large = await http.post(path, content=gzip.compress(bytes(cap), 0), headers={**kind, **GZIP})  # packed it is larger
    assert (large.status_code, large.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/files", "/v1/predict/batch", JOBS])
async def test_what_is_no_whole_gzip_is_a_bad_request(http: httpx.AsyncClient, path: str) -> None:
    kind = {"content-type": "application/zip" if path != "/v1/predict" else "image/png"}
    for body in (PICTURE, gzip.compress(PICTURE)[:-4], gzip.compress(PICTURE) + b"x"):
        answer = await http.post(path, content=body, headers={**kind, **GZIP})
        assert (answer.status_code, answer.json()["code"]) == (400, "gzip_malformed")


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "utf-8"])
async def test_another_coding_is_refused_with_those_that_are_read(http: httpx.AsyncClient, coding: str) -> None:
    for path in ("/v1/predict", "/v1/files", JOBS):
        answer = await http.post(path, content=PICTURE, headers={**PNG, "content-encoding": coding})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content_encoding")
        assert answer.headers["accept-encoding"] == "identity, gzip"
    answer = await http.post("/v1/predict", content=PICTURE, headers={**PNG, "content-encoding": "Identity"})
    assert answer.status_code == 200


async def instances(http: httpx.AsyncClient, *texts: str) -> list[dict[str, Any]]:
    answer = await http.post("/v1/predict/batch", json={"instances": [{"b64": text} for text in texts]})
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


async def test_base64_in_any_spelling_is_read_alike(http: httpx.AsyncClient) -> None:
    plain, lines = base64.b64encode(PICTURE).decode(), base64.encodebytes(PICTURE).decode()
    url_safe = base64.urlsafe_b64encode(PICTURE).decode().rstrip("=")
    first, *others = await instances(http, plain, lines, url_safe, f"data:image/png;base64,{plain}")
    assert first["label"] == "7" and others == [first] * 3


async def test_where_all_base64_is_bad_there_are_only_errors(http: httpx.AsyncClient) -> None:
    codes = [one["error"]["code"] for one in await instances(http, "!", "", "?")]
    assert codes == ["base64_invalid", "image_invalid", "base64_invalid"]


async def test_a_zip_of_a_mac_with_notes_is_read_and_what_is_passed_over_counted(http: httpx.AsyncClient) -> None:
    beside = {"scans/": b"", "__MACOSX/scans/._7.png": b"x", "scans/README.txt": b"x"}
    data = packed({"scans/7.png": PICTURE, **beside})
    answer = (await http.post("/v1/predict/batch", content=data, headers=ZIP)).json()
    assert [(one["name"], one["label"]) for one in answer["predictions"]] == [("scans/7.png", "7")]
    assert answer["passed_over"] == 2


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/read", "/v1/files"])
@pytest.mark.parametrize("name", ["image", "files[]", "file[]", "File"])
async def test_a_form_of_another_field_is_told_what_came_and_what_is_wanted(
    http: httpx.AsyncClient, path: str, name: str
) -> None:
    body, kind = form(name)
    answer = await http.post(path, content=body, headers=kind)
    assert (answer.status_code, answer.json()["code"]) == (422, "file_missing")
    assert f"`{name}`" in answer.json()["detail"] and "`file`" in answer.json()["detail"]


async def test_a_correction_in_another_field_is_told_too(http: httpx.AsyncClient) -> None:
    for name in ("image", "file[]"):
        body, kind = form(name)
        answer = await http.post("/v1/feedback", content=body, headers=kind)
        assert (answer.status_code, answer.json()["code"]) == (422, "field_unknown")
        assert f"`{name}`" in answer.json()["detail"] and "`file`" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/read", "/v1/files", "/v1/feedback"])
async def test_a_text_in_the_place_of_the_file_is_told(http: httpx.AsyncClient, path: str) -> None:
    request = httpx.Request("POST", "http://x", files={"file": (None, "7.png")})
    kind = {"content-type": request.headers["content-type"]}
    answer = await http.post(path, content=request.read(), headers=kind)
    assert (answer.status_code, answer.json()["code"]) == (422, "file_missing")
    assert "as a text" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/read", "/v1/files", "/v1/feedback", "/v1/predict/batch"])
@pytest.mark.parametrize(
    ("kind", "came"),
    [
        ("", "names no Content-Type"),
        ("application/x-www-form-urlencoded", "came as application/x-www-form-urlencoded"),
        ("Text/Plain; charset=utf-8", "came as text/plain"),
    ],
)
async def test_a_body_of_another_kind_is_told_what_came(
    http: httpx.AsyncClient, path: str, kind: str, came: str
) -> None:
    answer = await http.post(path, content=PICTURE, headers={"content-type": kind} if kind else {})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert came in answer.json()["detail"] and "multipart/form-data" in answer.json()["detail"]
