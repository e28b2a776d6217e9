"""The service below a path: a proxy that takes the path off and one that leaves it on reach the same routes, and what
answers say holds for their clients.
"""

import dataclasses
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

import httpx
import pytest
from starlette._utils import get_route_path
from starlette.types import Message, Receive, Scope, Send

from app.main import create_app
from app.settings import Settings
from app.settings.environment import _OURS
from app.ui import pages
from app.web.access.keyring import Keyring
from app.web.access.visitor import Visitor
from app.web.entry import Service
from models_store.shipped_version import open_store
from tests.conftest import EXAMPLES, running
from tests.integration.web.sent import SEVEN

ROOT_PATH = "/digits"
PAGES = tuple(pages._PAGES)
PICTURE = {"content-type": "image/png"}


@dataclass
class Seen:
    """The service, and the path of each request as its checks and as its routes have it."""

    http: httpx.AsyncClient
    app: Service
    checked: list[str] = field(default_factory=list)
    routed: list[str] = field(default_factory=list)

    def watch(self) -> None:
        entry, seen = self.app.entry, self
        assert entry._door is not None
        keyring, routed = entry._door.keyring, entry._app

        class Noting(Keyring):
            def __init__(self) -> None:
                pass

            async def identify(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Visitor:
                seen.checked.append(scope["path"])
                return await keyring.identify(scope, headers)

        async def noting(scope: Scope, receive: Receive, send: Send) -> None:
            seen.routed.append(get_route_path(scope))
            await routed(scope, receive, send)

        entry._door = dataclasses.replace(entry._door, keyring=Noting())
        entry._app = noting


@pytest.fixture
async def seen(tmp_path: Path) -> AsyncIterator[Seen]:
    open_store(tmp_path / "store")
    app = create_app(Settings(store_dir=tmp_path / "store", root_path="digits/"))
    async with running(app) as http:
        made = Seen(http, app)
        made.watch()
        yield made


def said(answer: httpx.Response) -> str:
    """Without what is each answer's own."""
    return re.sub(r"\b(req|pred)_[0-9a-f]{16}|\"timing_ms\":\{[^}]*\}", "X", answer.text)


async def test_both_kinds_of_proxies_reach_the_same_routes(seen: Seen) -> None:
    for method, path, status in [
        *(("GET", page, 200) for page in PAGES),
        ("GET", "/openapi.json", 200), ("GET", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/ui/style.css", 200),
        ("GET", "/ui/swagger-ui.css", 200), ("HEAD", "/docs", 200), ("POST", "/v1/predict?top_k=2", 200),
        ("GET", "/v1/models", 200), ("GET", "/v1/models/digits@1", 200), ("GET", "/v1/models/none", 404),
        ("GET", "/v1/nothing", 404), ("POST", "/v1/models", 405), ("GET", "/v1/fine_tuning/jobs?limit=1", 200),
    ]:  # fmt: skip
        body = SEVEN if "predict" in path else b""
        plain, below = [
            await seen.http.request(method, root + path, content=body, headers=PICTURE) for root in ("", ROOT_PATH)
        ]
        assert (plain.status_code, said(plain)) == (below.status_code, said(below)), path
        assert plain.status_code == status, (path, plain.text)
    assert seen.checked[::2] == seen.checked[1::2]


async def test_the_direct_way_is_taken_below_the_path_too(seen: Seen) -> None:
    answer = await seen.http.post(f"{ROOT_PATH}/v1/predict", content=SEVEN, headers=PICTURE)
    assert answer.json()["label"] == "7"
    assert (seen.checked, seen.routed) == (["/v1/predict"], [])


@pytest.mark.parametrize("root", ["/digits", "/other/path"])  # whatever a proxy shows it under
async def test_every_link_of_a_page_leads_below_the_path(seen: Seen, root: str) -> None:
    for page in PAGES:
        text = (await seen.http.get(ROOT_PATH + page)).text
        links = [link for link in re.findall(r'(?:href|src)="([^"#]+)"', text) if not link.startswith("data:")]
        assert links
        for link in links:
            path = urljoin(f"http://digits.example.org{root}{page}", link).removeprefix("http://digits.example.org")
            assert path.startswith(f"{root}/"), link
            assert (await seen.http.get(ROOT_PATH + path.removeprefix(root))).status_code == 200, link


@pytest.mark.parametrize("root", ["", ROOT_PATH])
async def test_a_location_holds_for_the_client(seen: Seen, root: str) -> None:
    files = {"file": (EXAMPLES / "7.png").read_bytes()}
    given = await seen.http.post(f"{root}/v1/feedback", files=files, data={"label": "1"})
    assert given.status_code == 201, given.text
    assert given.headers["location"] == f"{ROOT_PATH}/v1/feedback/{given.json()['id']}"
    assert (await seen.http.get(given.headers["location"])).json()["id"] == given.json()["id"]
    job = {"model": "digits@1", "training_file": "feedback"}
    for digit in range(5):
        files = {"file": (EXAMPLES / f"{digit}.png").read_bytes()}
        await seen.http.post(f"{root}/v1/feedback", files=files, data={"label": str(digit)})
    made = await seen.http.post(f"{root}/v1/fine_tuning/jobs", json=job)
    assert made.headers["location"] == f"{ROOT_PATH}/v1/fine_tuning/jobs/{made.json()['id']}", made.text
    assert (await seen.http.get(made.headers["location"])).json()["id"] == made.json()["id"]


@pytest.mark.parametrize("asked", ["/docs/", "/v1/models/", "/digits"])
async def test_a_redirect_leads_below_the_path_and_names_no_host(seen: Seen, asked: str) -> None:
    address = asked if asked == ROOT_PATH else ROOT_PATH + asked
    answer = await seen.http.get(address, headers={"host": "127.0.0.1:1"})
    assert answer.status_code in (307, 308)
    there = urljoin(f"https://digits.example.org{address}", answer.headers["location"])
    assert there in {"https://digits.example.org/digits" + end for end in ("/docs", "/v1/models", "/")}
    assert "127.0.0.1" not in answer.headers["location"]
    assert (await seen.http.get(there.removeprefix("https://digits.example.org"))).status_code == 200


async def test_the_document_says_where_the_service_is(seen: Seen) -> None:
    for root in ("", ROOT_PATH):
        document = (await seen.http.get(f"{root}/openapi.json")).json()
        assert document["servers"] == [{"url": ROOT_PATH}]
        assert "/v1/predict" in document["paths"]


PATHS = [
    "/digits/v1/feedback/export", "/digits/digits/v1/feedback/export", "//digits/v1/feedback/export",
    "/digits//v1/feedback/export", "/%64igits/v1/feedback/export", "/digits%2Fv1/feedback/export",
    "/digits/%76%31/feedback/export", "/digits/./v1/feedback/export", "/digits/../v1/feedback/export",
    "/digits/healthz/../v1/feedback/export", "/digits/ui/../v1/feedback/export", "/ui/digits/v1/feedback/export",
    "/digits/ui/%2e%2e/v1/feedback/export", "/healthz/digits/v1/feedback", "/digits/ui//v1/feedback/export",
    "/digits;x/v1/feedback/export", "/digits/v1/feedback/export/", "/digits/v1/feedback%2Fexport", "/digits%00/v1",
    "/digits/v1/feedback/export%0a", "/digits/v1/feedback/export%3F", "/DIGITS/v1/feedback/export",
    "/digitsx/v1/models", "/digits", "/digits/", "/digits/digits", "/digits/digits/", "/digits/ui",
    "/digits/ui/ui/style.css", "/digits/ui/",
]  # fmt: skip


async def test_no_path_is_one_thing_to_the_checks_and_another_to_the_routes(seen: Seen) -> None:
    for path in PATHS:
        await sent(seen.app, path)
    assert seen.checked == seen.routed
    for path, checked in zip(PATHS, seen.checked, strict=True):
        plain = unquote(path)
        assert checked == (plain[len(ROOT_PATH) :] if plain.startswith(f"{ROOT_PATH}/") else plain) or path == ROOT_PATH


async def sent(app: Service, raw: str) -> None:
    """A request whose path nobody has made plain before it is sent."""
    scope = {
        "type": "http", "method": "GET", "path": unquote(raw), "raw_path": raw.encode(), "query_string": b"",
        "headers": [(b"host", b"test")], "client": ("127.0.0.1", 1), "server": ("test", 80), "scheme": "http",
        "root_path": "", "http_version": "1.1",
    }  # fmt: skip

    messages: list[Message] = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"", "more_body": False}]

    async def nothing() -> Message:
        return messages.pop() if len(messages) > 1 else messages[0]

    async def unread(_: Message) -> None:
        pass

    await app(scope, nothing, unread)


async def test_no_root_path_begins_like_an_address_of_the_service(seen: Seen) -> None:
    paths = [*seen.app.openapi()["paths"], *PAGES, "/ui", "/openapi.json"]
    assert {path.split("/")[1] for path in paths} - {""} <= set(_OURS)
