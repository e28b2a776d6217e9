"""What pages elsewhere did to servers on this machine, at every route: nothing is changed, nothing is told."""

import json
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running

PICTURE = (EXAMPLES / "7.png").read_bytes()
HERE = "127.0.0.1:8000"
# What browsers send along; no page can set it or leave it out. More kinds of it: tests/integration/web/access.
PAGES: Mapping[str, tuple[dict[str, str], str]] = {
    "a fetch": ({"host": HERE, "origin": "https://evil.example", "sec-fetch-site": "cross-site"}, "foreign_origin"),
    "a picture": ({"host": HERE, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, "foreign_origin"),
    "a frame in a sandbox": ({"host": HERE, "origin": "null", "sec-fetch-site": "cross-site"}, "foreign_origin"),
    "a page that has a cookie": ({"host": HERE, "origin": "http://127.0.0.1:3000", "cookie": "a=b"}, "foreign_origin"),
    "a name that was rebound": (
        {"host": "evil.example:8000", "origin": "http://evil.example:8000", "sec-fetch-site": "same-origin"},
        "bad_host",
    ),
}
BODIES: Mapping[str, tuple[bytes, str]] = {  # of types about which a browser asks nobody before it sends them
    "/v1/fine_tuning/jobs": (json.dumps({"model": "digits", "training_file": "feedback"}).encode(), "text/plain"),
    "/v1/files": (b"PK\x05\x06" + bytes(18), "text/plain"),
    "/v1/predict": (PICTURE, "text/plain"),
    "/v1/feedback": (PICTURE, "text/plain"),
}
OPEN = ("/healthz", "/readyz")  # by any name: they tell nothing


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    place = tmp_path_factory.mktemp("pages")
    async with running(create_app(Settings(store_dir=place / "store", state_dir=place / "state"))) as client:
        yield client


async def routes(http: httpx.AsyncClient) -> list[tuple[str, str]]:
    document = (await http.get("/openapi.json", headers={"host": HERE})).json()
    pages = [("GET", path) for path in ("/review", "/openapi.json", "/ui/style.css", "/nowhere")]
    return pages + [
        (method.upper(), path.replace("{ref}", "digits").replace("{name}", "digits").replace("{", "").replace("}", ""))
        for path, methods in document["paths"].items()
        for method in methods
    ]


async def kept(http: httpx.AsyncClient) -> list[object]:
    """Everything that a client could have changed."""
    lists = ("/v1/models", "/v1/files", "/v1/feedback", "/v1/fine_tuning/jobs", "/v1/review")
    return [(await http.get(path, headers={"host": HERE})).json() for path in lists]


@pytest.mark.parametrize("page", PAGES)
async def test_no_page_elsewhere_changes_or_reads_anything(http: httpx.AsyncClient, page: str) -> None:
    headers, code = PAGES[page]
    before = await kept(http)
    for method, path in await routes(http):
        if path in OPEN and code == "bad_host":
            continue
        body, kind = BODIES.get(path, (b"", "text/plain")) if method == "POST" else (b"", "text/plain")
        params = {"label": "7"} if path == "/v1/feedback" and method == "POST" else {}
        for named in (method, "OPTIONS", "HEAD"):
            answer = await http.request(
                named, path, params=params, content=body, headers={**headers, "content-type": kind}
            )
            assert answer.status_code == (400 if code == "bad_host" else 403), (page, named, path, answer.text)
            assert named == "HEAD" or answer.json()["code"] == code, (page, named, path)
            assert not [name for name in answer.headers if name.startswith("access-control-")], (page, named, path)
    assert await kept(http) == before


async def test_a_program_does_what_pages_may_not(http: httpx.AsyncClient) -> None:
    """So that the test above tests something: the same requests without what browsers add."""
    for method, path in await routes(http):
        answer = await http.request(method, path, headers={"host": HERE})
        assert answer.status_code not in (400, 403) or answer.json()["code"] not in ("foreign_origin", "bad_host")
    made = await http.post("/v1/feedback", params={"label": "7"}, content=PICTURE,
                           headers={"host": HERE, "content-type": "image/png"})  # fmt: skip
    assert made.status_code == 201


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000/healthz?", "127.0.0.1:8000#", "127.0.0.1:8000\\@x", "x@127.0.0.1:8000", "127.0.0.1/readyz"]
)
async def test_no_host_makes_a_path_another_one(http: httpx.AsyncClient, host: str) -> None:
    """A framework joins Host and path to an address, and takes it apart: what it checks is then not what it does."""
    for method, path in await routes(http):
        if path not in OPEN and method != "HEAD":
            answer = await http.request(method, path, headers={"host": host})
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_host"), (method, path)
