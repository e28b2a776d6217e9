"""Where answers of a service below a path send their clients."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.web.access.proxies import Proxies
from app.web.locations import Locations


async def made(request: Request) -> Response:
    return Response(status_code=201, headers={"location": request.query_params["at"], "x-other": "/kept"})


async def page(_: Request) -> Response:
    return Response("the page")


async def ask(method: str, path: str, **details: Any) -> httpx.Response:
    routes = [Route("/made", made, methods=["POST"]), Route("/", page)]
    app = Starlette(routes=routes, middleware=[Middleware(Locations, root_path="/digits")])

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        Proxies(root_path="/digits").resolve(scope, {})
        await app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(behind), base_url="http://evil.example") as http:
        return await http.request(method, path, **details)


@pytest.mark.parametrize("asked", ["/made", "/digits/made"])
@pytest.mark.parametrize(
    ("said", "placed"),
    [
        ("/v1/fine_tuning/jobs/x", "/digits/v1/fine_tuning/jobs/x"), ("/v1/x?a=1", "/digits/v1/x?a=1"),
        ("/", "/digits/"), ("../x", "../x"), ("./x/", "./x/"), ("//evil.example/x", "//evil.example/x"),
        ("https://example.org/x", "https://example.org/x"), ("", ""),
    ],
)  # fmt: skip
async def test_a_path_is_one_below_the_root_path(asked: str, said: str, placed: str) -> None:
    answer = await ask("POST", asked, params={"at": said})
    assert (answer.status_code, answer.headers["location"], answer.headers["x-other"]) == (201, placed, "/kept")


async def test_without_its_slash_the_root_path_leads_to_the_page_and_names_no_host() -> None:
    answer = await ask("GET", "/digits")
    assert (answer.status_code, answer.headers["location"], answer.content) == (308, "/digits/", b"")
    assert (await ask("GET", "/digits/")).text == (await ask("GET", "/")).text == "the page"


async def test_only_who_reads_is_led_there() -> None:
    assert (await ask("POST", "/digits")).status_code == 405
