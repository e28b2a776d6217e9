"""What the entry makes of the door's word: nobody is answered before it, and its headers go with every answer."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.errors import AppError, BadRequest, Forbidden, NotFound, RateExceeded, Unauthorized
from app.web.access.door import Door, Passage
from app.web.direct import Sent, Take
from app.web.entry import Entry
from app.web.limits import BodyLimits

MARK = b"x-door", b"passed"


class Doorman:
    """Lets in, or raises `refusal`; counts who has gone."""

    def __init__(self, refusal: AppError | None = None, is_preflight: bool = False) -> None:
        self.let_in = self.gone = self.bodies = 0
        self._refusal = refusal
        self._is_preflight = is_preflight

    async def admit(self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes], passage: Passage) -> None:
        passage.headers.append(MARK)
        passage.is_preflight = self._is_preflight
        if self._refusal is not None:
            raise self._refusal
        self.let_in += 1
        passage.leave = self._left

    def counted(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
        self.bodies += 1
        return receive

    def _left(self) -> None:
        self.gone += 1


class Behind:
    """An entry behind a doorman, with a direct way at /direct and a route everywhere else."""

    def __init__(self, doorman: Doorman, answer: Callable[[], None] = lambda: None) -> None:
        self.reached: list[str] = []
        self._answer = answer
        self.entry = Entry(self._route, BodyLimits(10**6), None, {"/direct": self._way}, cast(Door, doorman))

    def _way(self, query: bytes) -> Take:
        async def take(sent: Sent) -> bytes:
            self.reached.append("direct")
            self._answer()
            return b"{}"

        return take

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached.append("route")
        self._answer()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    async def __call__(self, path: str) -> tuple[int, dict[bytes, bytes]]:
        """The status and headers of the answer to a POST of one byte."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"1", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"content-length", b"1"), (b"content-type", b"image/png")]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        await self.entry(scope, receive, send)
        assert sent[-1]["type"] == "http.response.body"
        return sent[0]["status"], dict(sent[0]["headers"])


WAYS = pytest.mark.parametrize("path", ["/direct", "/route"])


@WAYS
async def test_the_doors_headers_go_with_the_answer_and_it_is_told_the_end(path: str) -> None:
    doorman = Doorman()
    behind = Behind(doorman)
    status, headers = await behind(path)
    assert (status, headers[MARK[0]]) == (200, MARK[1])
    assert behind.reached == [path[1:]]
    assert doorman.let_in == doorman.gone == doorman.bodies == 1


@WAYS
@pytest.mark.parametrize(
    ("refusal", "status", "says"),
    [
        (BadRequest("bad_host", "no"), 400, None),
        (Unauthorized("key_missing", "no"), 401, (b"www-authenticate", b"Bearer")),
        (Forbidden("foreign_origin", "no"), 403, None),
        (RateExceeded("rate_exceeded", "no", 17), 429, (b"retry-after", b"17")),
    ],
)
async def test_whom_it_refuses_reaches_nothing(
    path: str, refusal: AppError, status: int, says: tuple[bytes, bytes] | None
) -> None:
    doorman = Doorman(refusal)
    behind = Behind(doorman)
    answered, headers = await behind(path)
    assert (answered, headers[MARK[0]]) == (status, MARK[1])
    assert says is None or headers[says[0]] == says[1]
    assert behind.reached == []
    assert doorman.gone == 0


@WAYS
async def test_a_preflight_is_answered_without_a_route(path: str) -> None:
    behind = Behind(Doorman(is_preflight=True))
    status, headers = await behind(path)
    assert (status, headers[MARK[0]]) == (204, MARK[1])
    assert behind.reached == []


@WAYS
@pytest.mark.parametrize("error", [NotFound("nothing_here", "no"), RuntimeError("secret")])
async def test_who_fails_inside_has_gone_too(path: str, error: Exception) -> None:
    def fail() -> None:
        raise error

    doorman = Doorman()
    status, headers = await Behind(doorman, fail)(path)
    assert (status, headers[MARK[0]]) == (404 if isinstance(error, NotFound) else 500, MARK[1])
    assert doorman.gone == 1
