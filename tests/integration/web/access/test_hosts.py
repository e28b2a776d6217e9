"""Hosts as they come on sockets: whatever a head says, no name that was not checked is taken or repeated."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.web.access.spoken import PICTURE, request, said, service

ASKED = "GET {} HTTP/1.1\r\n{}\r\n"


@pytest.fixture(scope="module")
async def port(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    async with service(tmp_path_factory.mktemp("hosts")) as port:
        yield port


HOSTS = {
    "none": "",
    "an empty one": "Host:\r\n",
    "two": "Host: localhost\r\nHost: localhost\r\n",
    "two, of which the first is good": "Host: localhost\r\nHost: evil.example\r\n",
    "two, of which the last is good": "Host: evil.example\r\nHOST: localhost\r\n",
    "a name of somebody else's": "Host: evil.example\r\n",
    "one with its port": "Host: evil.example:8000\r\n",
    "one that begins like ours": "Host: 127.0.0.1.evil.example\r\n",
    "a path": "Host: a/b?c\r\n",
    "a user": "Host: localhost@evil.example\r\n",
    "no port": "Host: localhost:http\r\n",
    "other letters": "Host: l\xf6calhost\r\n",
    "endless": f"Host: {'a' * 5000}\r\n",
    "a list": "Host: localhost, evil.example\r\n",
}


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_that_is_none_of_ours_is_refused(port: int, host: str) -> None:
    for path in ("/", "/v1/models", "/ui/main.js", "/nowhere", "/docs/", "/openapi.json"):
        heard = await said(port, ASKED.format(path, HOSTS[host]).encode("latin-1"))
        assert (heard.status, heard.code) == (400, "bad_host"), path
        assert b"evil" not in heard.body and not any("evil" in value for _, value in heard.lines)
    body = request("POST", "/v1/predict", PICTURE, "Content-Type: image/png", host=None)
    line, rest = body.split(b"\r\n", 1)
    heard = await said(port, line + b"\r\n" + HOSTS[host].encode("latin-1") + rest)
    assert (heard.status, heard.code) == (400, "bad_host")


@pytest.mark.parametrize(
    "target", ["http://evil.example/v1/models", "http://evil.example:8000/", "http://x@localhost/"]
)
@pytest.mark.parametrize("host", ["Host: localhost\r\n", "Host: evil.example\r\n", ""])
async def test_a_whole_address_counts_as_a_host(port: int, target: str, host: str) -> None:
    heard = await said(port, ASKED.format(target, host).encode())
    assert (heard.status, heard.code) == (400, "bad_host")


async def test_a_whole_address_of_ours_is_taken(port: int) -> None:
    """RFC 9112, 3.2.2: a server must take it; clients write it to proxies."""
    for target in ("http://localhost/v1/models", "http://localhost/?"):
        assert (await said(port, ASKED.format(target, "Host: localhost\r\n").encode())).status == 200
    assert (await said(port, b"GET http://localhost/v1/models HTTP/1.0\r\n\r\n")).status == 200


async def test_http_1_0_has_to_say_a_host_too(port: int) -> None:
    heard = await said(port, b"GET /v1/models HTTP/1.0\r\n\r\n")
    assert (heard.status, heard.code) == (400, "bad_host")
    assert (await said(port, b"GET /v1/models HTTP/1.0\r\nHost: localhost\r\n\r\n")).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_whoever_watches_the_service_knows_an_address_only(port: int, path: str) -> None:
    for host in ("", "Host: evil.example\r\n", "Host: 10.1.2.3:8000\r\n"):
        assert (await said(port, ASKED.format(path, host).encode())).status == 200
    assert (await said(port, f"GET {path} HTTP/1.0\r\n\r\n".encode())).status == 200
    assert (await said(port, ASKED.format(path, HOSTS["two"]).encode())).code == "bad_host"


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:9", "[::1]:8000", "10.1.2.3", "digits", "digits.home.svc.cluster.local:8000"]
)
async def test_addresses_and_private_names_are_ours(port: int, host: str) -> None:
    assert (await said(port, request("GET", "/v1/models", host=host))).status == 200
    picture = request("POST", "/v1/predict", PICTURE, "Content-Type: image/png", host=host)
    assert (await said(port, picture)).status == 200


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("/docs/", "../docs"), ("/v1/models/", "../models"), ("/v1/predict/?model=digits", "../predict?model=digits"),
        ("/ui", "./ui/"), ("/v1/models/digits@1/", "../digits@1"),
    ],
)  # fmt: skip
async def test_a_redirect_names_no_host(port: int, asked: str, there: str) -> None:
    for name in ("localhost", "any-name", "10.1.2.3:8000"):
        heard = await said(port, request("POST" if "predict" in asked else "GET", asked, host=name))
        assert (heard.status, heard.header("location")) == (307, there)


async def test_an_operators_names_and_no_others(tmp_path_factory: pytest.TempPathFactory) -> None:
    names = "digits.example.org, *.example.com:8000"
    async with service(tmp_path_factory.mktemp("named"), allowed_hosts=names) as port:
        for host in ("digits.example.org", "DIGITS.example.org:99", "a.example.com:8000", "localhost:1", "127.0.0.1"):
            assert (await said(port, request("GET", "/v1/models", host=host))).status == 200, host
        for host in ("example.com:8000", "a.example.com:80", "evil.example", "10.1.2.3", "api", "nas.local"):
            assert (await said(port, request("GET", "/v1/models", host=host))).status == 400, host
