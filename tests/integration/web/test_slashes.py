"""A slash too many or too few: a way on that names no host."""

from collections.abc import AsyncIterator
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from app.web import error_handlers, slashes


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()

    @app.post("/v1/things/{name}")
    async def thing(name: str) -> str:
        return name

    inside = [Route("/file", lambda _: PlainTextResponse("a file"))]
    app.router.routes.append(Mount("/ui", routes=inside))
    slashes.install(app)
    error_handlers.install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/v1/things/one/", "/v1/things/one"),
        ("/v1/things/one/?a=b&c=%20d", "/v1/things/one?a=b&c=%20d"),
        ("/v1/things/a:b/", "/v1/things/a:b"),
        ("/v1/things/%C3%A4%20%3F/", "/v1/things/%C3%A4%20%3F"),
        ("/ui", "/ui/"),
    ],
)
async def test_the_way_is_relative_and_right(http: httpx.AsyncClient, asked: str, meant: str) -> None:
    answer = await http.post(asked, headers={"host": "evil.example"})
    assert answer.status_code == 307
    where = answer.headers["location"]
    assert where.startswith(".") and "evil" not in where and "test" not in where
    for base in ("http://test", "https://other.example/below/a/path"):
        found = httpx.URL(urljoin(base + asked, where))
        assert found == httpx.URL(base + meant)


async def test_who_follows_it_arrives(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/things/one/", follow_redirects=True)
    assert (answer.status_code, answer.json()) == (200, "one")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "//evil.example/",
        "/nothing",
        "/nothing/",
        "/v1/things//",
        "/v1/things/one//",
        "/ui//",
        "/v1/things/one/x/",
    ],
)
async def test_what_is_nowhere_stays_nowhere(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.request("POST", httpx.URL("http://test", raw_path=path.encode()))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "location" not in answer.headers
