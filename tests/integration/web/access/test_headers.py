"""What a browser may do with an answer stands in each one, once, whoever gives it; who made it stands in none."""

from collections.abc import AsyncIterator

import pytest

from app.web.access.headers import SAFE
from tests.integration.web.access.spoken import PICTURE, request, said, service

PNG = "Content-Type: image/png"
PAGE = "Origin: https://other.example"
WISH = "Access-Control-Request-Method: POST"
OWN_RULES = ("/", "/review", "/docs", "/redoc")


@pytest.fixture(scope="module")
async def port(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    async with service(tmp_path_factory.mktemp("headers"), allowed_origins=PAGE.partition(" ")[2]) as port:
        kept = await said(port, request("POST", "/v1/feedback?label=7", PICTURE, PNG))
        assert kept.status == 201
        yield port


ANSWERS = {
    "the direct way": (200, request("POST", "/v1/predict", PICTURE, PNG)),
    "the framework's": (200, request("GET", "/v1/models")),
    "HEAD": (200, request("HEAD", "/v1/models")),
    "a probe": (200, request("GET", "/healthz")),
    "/": (200, request("GET", "/")),
    "/review": (200, request("GET", "/review")),
    "/docs": (200, request("GET", "/docs")),
    "/redoc": (200, request("GET", "/redoc")),
    "a script": (200, request("GET", "/ui/main.js")),
    "the document": (200, request("GET", "/openapi.json")),
    "a stream": (200, request("GET", "/v1/feedback/export")),
    "a preflight": (204, request("OPTIONS", "/v1/predict", b"", PAGE, WISH)),
    "an allowed page": (200, request("POST", "/v1/predict", PICTURE, PNG, PAGE)),
    "a redirect": (307, request("GET", "/docs/")),
    "no host": (400, request("GET", "/", host=None)),
    "a foreign page": (403, request("GET", "/", b"", "Origin: null")),
    "nothing there": (404, request("GET", "/nowhere")),
    "no such file": (404, request("GET", "/ui/nowhere.js")),
    "no such method": (405, request("DELETE", "/v1/predict")),
    "too large": (413, request("POST", "/v1/predict", b"", PNG).replace(b"Length: 0", b"Length: 99999999999")),
    "no picture": (415, request("POST", "/v1/predict", b"x", "Content-Type: text/html")),
    "a bad picture": (422, request("POST", "/v1/predict", b"no picture", PNG)),
    "an unknown parameter": (422, request("GET", "/v1/models?x=1")),
    "no HTTP": (400, b"GARBAGE\r\n\r\n"),
    "endless headers": (431, request("GET", "/", b"", *(f"X-{n}: y" for n in range(200)))),
    "CONNECT": (400, b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_every_answer_says_what_a_browser_may_do_with_it(port: int, answer: str) -> None:
    status, sent = ANSWERS[answer]
    heard = await said(port, sent)
    assert heard.status == status, heard.body
    for name, value in [(name.decode(), value.decode()) for name, value in SAFE]:
        assert heard.header(name) == value or (name == "content-security-policy" and answer in OWN_RULES)
    assert "frame-ancestors 'none'" in (heard.header("content-security-policy") or "")
    assert not {"server", "x-powered-by", "via"} & {name for name, _ in heard.lines}


async def test_what_is_known_already_keeps_its_rules(port: int) -> None:
    for path in ("/ui/main.js", "/docs"):
        etag = (await said(port, request("GET", path))).header("etag")
        heard = await said(port, request("GET", path, b"", f"If-None-Match: {etag}"))
        assert heard.status == 304 and heard.header("x-content-type-options") == "nosniff"
        assert "frame-ancestors 'none'" in (heard.header("content-security-policy") or "")


async def test_a_route_has_rules_of_its_own_once(port: int) -> None:
    listed = (await said(port, request("GET", "/v1/feedback"))).body
    place = listed.decode().partition('"first_id":"')[2].partition('"')[0]
    heard = await said(port, request("GET", f"/v1/feedback/{place}/picture"))
    assert (heard.status, heard.header("content-type")) == (200, "image/png")
    assert heard.header("content-security-policy") == "default-src 'none'; sandbox"
    assert heard.header("x-content-type-options") == "nosniff"
