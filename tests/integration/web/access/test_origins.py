"""What a page of another origin can have a browser send, byte by byte: none of it counts. Programs go on."""

import json
from collections.abc import AsyncIterator

import pytest

from models_store.shipped_version import open_store
from tests.conftest import republished
from tests.integration.web.access.spoken import PICTURE, Heard, request, said, service

PAGE = "https://page.example"
EDGE = "multipart/form-data; boundary=edge"
JOB = json.dumps({"model": "digits", "training_file": "feedback"}).encode()


def form(name: str, filename: str, content: bytes) -> bytes:
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
    return head.encode() + content + b"\r\n--edge--\r\n"


# Method, target, body and type: all that a page may send without asking first (Fetch, 2.2.2), and some that it may not.
CHANGES = {
    "roll back": ("POST", "/v1/models/digits/rollback", b"", None),
    "roll back, a form": ("POST", "/v1/models/digits/rollback", b"", "application/x-www-form-urlencoded"),
    "promote": ("PUT", "/v1/models/digits/aliases/champion", b'{"version": 2, "expected": 1}', None),
    "promote, a text": ("PUT", "/v1/models/digits/aliases/champion", b'{"version": 1}', "text/plain"),
    "correct": ("POST", "/v1/feedback?label=7", PICTURE, "text/plain"),
    "correct, an image": ("POST", "/v1/feedback?label=7", PICTURE, "image/png"),
    "correct, a form": ("POST", "/v1/feedback?label=7", form("file", "7.png", PICTURE), EDGE),
    "upload": ("POST", "/v1/files?purpose=fine-tune", form("file", "a.zip", b"PK"), EDGE),
    "make a job": ("POST", "/v1/fine_tuning/jobs", JOB, "text/plain"),
    "make a job, as a type of its own": ("POST", "/v1/fine_tuning/jobs", JOB, "application/json"),
    "cancel a job": ("POST", "/v1/fine_tuning/jobs/ftjob-1/cancel", b"", None),
    "delete a version": ("DELETE", "/v1/models/digits@1", b"", None),
    "delete a correction": ("DELETE", "/v1/feedback/fb-1", b"", None),
    "answer a review": ("POST", "/v1/review/rv-1", b'{"label": "7"}', "text/plain"),
    "read": ("POST", "/v1/predict", PICTURE, "text/plain"),
    "read directly": ("POST", "/v1/predict", PICTURE, "image/png"),
    "read a batch": ("POST", "/v1/predict/batch", form("files", "7.png", PICTURE), EDGE),
}
FOREIGN = {
    "another site": (f"Origin: {PAGE}", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"),
    "a browser of old": (f"Origin: {PAGE}",),
    "a sandbox, a file": ("Origin: null", "Sec-Fetch-Site: cross-site"),
    "nothing but null": ("Origin: null",),
    "another port": ("Origin: http://localhost:3000", "Sec-Fetch-Site: same-site"),
    "another scheme": ("Origin: https://localhost:8000", "Sec-Fetch-Site: same-site"),
    "a form in a tab": (
        f"Origin: {PAGE}", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document",
    ),
    "nothing but the site": ("Sec-Fetch-Site: cross-site",),
    "a neighbour": ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"),
    "two": ("Origin: http://localhost:8000", f"Origin: {PAGE}"),
}  # fmt: skip


@pytest.fixture(scope="module")
async def port(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    """Of a service that can be rolled back, from digits@2 to digits@1."""
    folder = tmp_path_factory.mktemp("origins")
    republished(open_store(folder / "store"))
    async with service(folder, allowed_origins="https://other.example") as port:
        promoted = await sent(port, "promote", "Content-Type: application/json")
        assert promoted.status == 200
        yield port


async def sent(port: int, change: str, *lines: str, method: str | None = None) -> Heard:
    named, target, body, kind = CHANGES[change]
    typed = () if kind is None else (f"Content-Type: {kind}",)
    return await said(port, request(method or named, target, body, *typed, *lines))


async def kept(port: int) -> list[object]:
    paths = ("models", "files", "feedback", "fine_tuning/jobs")
    return [json.loads((await said(port, request("GET", f"/v1/{path}"))).body) for path in paths]


@pytest.mark.parametrize("page", FOREIGN)
async def test_no_foreign_page_does_anything(port: int, page: str) -> None:
    before = await kept(port)
    for change in CHANGES:
        heard = await sent(port, change, *FOREIGN[page])
        assert (heard.status, heard.code) == (403, "foreign_origin"), change
        assert heard.header("access-control-allow-origin") is None
        asks = await sent(port, change, *FOREIGN[page], "Access-Control-Request-Method: POST", method="OPTIONS")
        assert (asks.status, asks.code) == (403, "foreign_origin"), change
    assert await kept(port) == before


OWN = {
    "a program": (),
    "curl": ("User-Agent: curl/8.5.0", "Accept: */*"),
    "its own page": ("Origin: http://localhost:8000", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"),
    "its own page in a browser of old": ("Origin: http://localhost:8000",),
    "an address that was typed": ("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"),
}


@pytest.mark.parametrize("whose", OWN)
async def test_programs_and_its_own_page_need_nothing_more(port: int, whose: str) -> None:
    heard = await sent(port, "roll back", *OWN[whose])
    assert heard.status == 200
    heard = await sent(port, "read directly", *OWN[whose])
    assert (heard.status, json.loads(heard.body)["label"]) == (200, "7")
    assert heard.header("access-control-allow-origin") is None
    heard = await sent(port, "read a batch", *OWN[whose])
    assert heard.status == 200
    heard = await sent(port, "make a job, as a type of its own", *OWN[whose])
    assert heard.status != 403


async def test_a_link_to_the_page_may_be_followed_but_not_framed(port: int) -> None:
    for path in ("/", "/docs", "/v1/models"):
        link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-User: ?1", "Sec-Fetch-Dest: {}")
        for dest, status in (("document", 200), ("iframe", 403), ("embed", 403), ("object", 403)):
            heard = await said(port, request("GET", path, b"", *(line.format(dest) for line in link)))
            assert heard.status == status, (path, dest)


ALLOWED = ("Origin: https://other.example", "Sec-Fetch-Site: cross-site")
MAY_READ = {
    "access-control-allow-origin": "https://other.example",
    "access-control-expose-headers": "*",
    "vary": "Origin",
}


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/v1/models", 200), ("POST", "/v1/predict", 200), ("GET", "/nowhere", 404),
        ("GET", "/v1/models/nothing", 404), ("POST", "/v1/read?x=1", 422), ("GET", "/docs/", 307), ("GET", "/", 200),
        ("GET", "/healthz", 200), ("HEAD", "/v1/models", 200), ("GET", "/ui/main.js", 200),
        ("PATCH", "/v1/models", 405), ("OPTIONS", "/v1/models", 405),
    ],
)  # fmt: skip
async def test_an_allowed_page_can_read_every_answer(port: int, method: str, target: str, status: int) -> None:
    body = PICTURE if method == "POST" else b""
    heard = await said(port, request(method, target, body, "Content-Type: image/png", *ALLOWED))
    assert heard.status == status
    assert {name: heard.header(name) for name in MAY_READ} == MAY_READ


async def test_an_allowed_page_is_told_what_it_may_send(port: int) -> None:
    wish = ("Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: authorization,content-type")
    for target in ("/v1/predict", "/v1/files/file-1", "/nowhere"):
        heard = await said(port, request("OPTIONS", target, b"", *ALLOWED, *wish))
        assert (heard.status, heard.body) == (204, b"")
        assert heard.header("access-control-allow-origin") == "https://other.example"
        assert "DELETE" in (heard.header("access-control-allow-methods") or "")
        assert "Authorization" in (heard.header("access-control-allow-headers") or "")
        assert heard.header("access-control-allow-credentials") is None


async def test_caches_keep_apart_what_is_said_to_others(port: int) -> None:
    assert (await said(port, request("GET", "/v1/models"))).header("vary") == "Origin"
