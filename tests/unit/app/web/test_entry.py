"""The one layer around all routes: a request's id, its line in the log, what is said where nothing else answers, and
which way it goes. What it does while a process ends is tested beside `drain`.
"""

import re
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from app.web.entry import Entry, Service
from app.web.limits import BodyLimits
from app.web.request_id import request_id

Logs = list[MutableMapping[str, Any]]


async def named(_: Request) -> Response:
    return PlainTextResponse(request_id(), 201)


async def broken(_: Request) -> Response:
    raise RuntimeError("secret at 0x7f00")


async def gone(_: Request) -> Response:
    raise ClientDisconnect


async def cut(_: Request) -> Response:
    def pieces() -> Any:
        yield "half"
        raise RuntimeError("secret")

    return StreamingResponse(pieces())


LIMITS = BodyLimits(10_000)
ROUTES = [Route(f"/{route.__name__}", route) for route in (named, broken, gone, cut)]
ROUTES += [Route(path, named) for path in ("/healthz", "/readyz")]


def service() -> Service:
    app = Service(routes=list(ROUTES))
    app.entry = Entry(app.routed, LIMITS)
    return app


async def asked(path: str, given: str | None = None) -> tuple[httpx.Response, Logs]:
    """The answer, and what was logged of it."""
    transport = httpx.ASGITransport(service())
    headers = {} if given is None else {"x-request-id": given}
    with capture_logs() as logs:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            answer = await http.get(path, headers=headers)
    return answer, logs


async def test_a_request_is_one_line_under_the_id_that_its_answer_names() -> None:
    answer, logs = await asked("/named?secret=1")
    name = answer.headers["x-request-id"]
    assert answer.text == name and re.fullmatch("req_[0-9a-f]{16}", name)
    (line,) = logs
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request", "log_level": "info", "request_id": name, "method": "GET", "path": "/named", "status": 201,
    }  # fmt: skip


@pytest.mark.parametrize("given", ["mine-1", "a.b_c", "x" * 64])
async def test_an_id_that_a_client_gives_is_kept(given: str) -> None:
    answer, logs = await asked("/named", given)
    assert answer.headers["x-request-id"] == answer.text == logs[0]["request_id"] == given


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "x" * 65, "a/b", "a:b"])
async def test_an_id_that_could_break_a_log_is_replaced(given: str) -> None:
    answer, logs = await asked("/named", given)
    assert logs[0]["request_id"] == answer.headers["x-request-id"] != given


@pytest.mark.parametrize(("path", "level"), [("/healthz", "debug"), ("/readyz", "debug"), ("/named", "info")])
async def test_who_watches_the_service_does_not_fill_its_log(path: str, level: str) -> None:
    _, logs = await asked(path)
    assert [line["log_level"] for line in logs] == [level]


async def test_an_unforeseen_error_is_500_and_its_text_stays_in_the_log() -> None:
    answer, logs = await asked("/broken", "mine-1")
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (500, "internal_error", "mine-1")
    assert "secret" not in answer.text
    assert [(line["event"], line["request_id"]) for line in logs] == [("unforeseen", "mine-1"), ("request", "mine-1")]
    assert (logs[0]["log_level"], logs[0]["exc_info"], logs[1]["status"]) == ("error", True, 500)


async def test_an_answer_that_has_begun_is_cut_and_not_ended_as_if_it_were_whole() -> None:
    with pytest.raises(RuntimeError):
        await asked("/cut")


async def test_a_client_that_went_away_is_no_error() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    with capture_logs() as logs:
        scope = {"type": "http", "method": "GET", "path": "/gone", "headers": []}
        await service()(scope, receive, send)
    assert (sent, [(line["event"], line["status"]) for line in logs]) == ([], [("request", 499)])


async def test_what_is_no_request_passes_unlogged() -> None:
    passed: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope)

    async def nothing(*_: object) -> Any:
        raise AssertionError

    with capture_logs() as logs:
        await Entry(app, LIMITS)({"type": "lifespan"}, nothing, nothing)
    assert (passed, logs, request_id()) == ([{"type": "lifespan"}], [], "")
