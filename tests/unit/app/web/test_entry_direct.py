"""Which requests the entry answers the direct way, and what the framework gets of those that it doesn't."""

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from app.errors import NotReady, Unprocessable
from app.web.access.headers import SAFE
from app.web.budget import FREE
from app.web.direct import Sent, Take
from app.web.drain import Drain
from app.web.entry import Entry
from app.web.limits import BodyLimits
from models_store.errors import ImageRejected

Header = tuple[bytes, bytes]
GONE: Message = {"type": "http.disconnect"}


class Ways:
    """An entry with one direct way, and what came to either of the two ways."""

    def __init__(self, take: Callable[[Sent], bytes | None] | None = None, drain: Drain | None = None) -> None:
        self.direct: list[bytes] = []
        self.plain: list[bytes] = []
        self.after: list[Message] = []
        self.left: list[Message] = []  # of what the client says
        self._take = take or (lambda sent: b"{}")
        self.entry = Entry(self._plain, BodyLimits(10**6), drain, {"/here": self._begin})

    def _begin(self, query: bytes) -> Take | None:
        async def take(sent: Sent) -> bytes | None:
            self.direct.append(sent.body)
            return self._take(sent)

        return take if query != b"odd" else None

    async def _plain(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.plain.append(b"")
        while (message := await receive())["type"] == "http.request":
            self.plain[-1] += message["body"]
            if not message["more_body"]:
                break
        self.after.append(await receive())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def __call__(
        self,
        *pieces: bytes,
        headers: tuple[Header, ...] = (),
        path: str = "/here",
        method: str = "POST",
        query: bytes = b"",
        is_whole: bool = True,
    ) -> list[Message]:
        """What is said to a client that sends these pieces, and leaves."""
        sent: list[Message] = []
        self.left = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces] + [GONE] * 2
        if is_whole:
            self.left[len(pieces) - 1]["more_body"] = False

        async def receive() -> Message:
            return self.left.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        length = (b"content-length", b"%d" % sum(map(len, pieces)))
        said = [length, *headers] if not any(name == length[0] for name, _ in headers) else list(headers)
        scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": said}
        await self.entry(scope, receive, send)
        return sent


async def test_a_plain_request_is_answered_as_json() -> None:
    kinds: list[bytes] = []

    def take(sent: Sent) -> bytes:
        kinds.append(sent.kind)
        return b'{"label":"7"}'

    ways = Ways(take)
    head, body = await ways(b"pic", b"ture", headers=((b"content-type", b"image/png"), (b"x-request-id", b"mine")))
    assert (ways.direct, ways.plain, kinds) == ([b"picture"], [], [b"image/png"])
    assert head["status"] == 200 and body["body"] == b'{"label":"7"}' and not body.get("more_body")
    assert head["headers"] == [
        (b"content-length", b"13"),
        (b"content-type", b"application/json"),
        *SAFE,
        (b"x-request-id", b"mine"),
    ]


async def test_while_the_process_ends_the_answer_closes_its_connection() -> None:
    drain = Drain()
    drain.begin()
    head, _ = await Ways(drain=drain)(b"x")
    assert head["headers"][-1] == (b"connection", b"close")


LONG = b"x" * (FREE + 1)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"path": "/there"}, id="another address"),
        pytest.param({"path": "/here/"}, id="a slash behind"),
        pytest.param({"method": "PUT"}, id="another method"),
        pytest.param({"query": b"odd"}, id="an odd query"),
        pytest.param({"headers": ((b"content-encoding", b"identity"),)}, id="an encoding"),
        pytest.param({"headers": ((b"x-a", b"1"), (b"x-a", b"1"))}, id="one header twice"),
        pytest.param({"headers": ((b"content-length", b"0000001"),)}, id="many zeros"),
    ],
)
async def test_whatever_is_unusual_goes_the_frameworks_way(asked: dict[str, Any]) -> None:
    ways = Ways()
    head, _ = await ways(b"x", **asked)
    assert (ways.direct, ways.plain, head["status"]) == ([], [b"x"], 204)


@pytest.mark.parametrize("declared", [b"", b"x", b"+1", b"-1", b"1, 1", "\u0661".encode(), b"1000001"])
async def test_a_length_that_is_none_is_refused_unread(declared: bytes) -> None:
    ways = Ways()
    head, body = await ways(b"x", headers=((b"content-length", declared),))
    assert (ways.direct, ways.plain, head["status"], len(ways.left)) == ([], [], 413, 3)
    assert json.loads(body["body"])["code"] == "payload_too_large"


@pytest.mark.parametrize(("size", "is_direct"), [(0, True), (FREE, True), (FREE + 1, False)])
async def test_a_body_that_counts_for_the_budget_is_the_frameworks(size: int, is_direct: bool) -> None:
    ways = Ways()
    await ways(b"x" * size)
    assert (ways.direct if is_direct else ways.plain) == [b"x" * size]
    assert (ways.plain if is_direct else ways.direct) == []


async def test_the_framework_gets_the_whole_body_of_what_the_direct_way_left() -> None:
    ways = Ways(lambda sent: None)
    head, _ = await ways(b"pic", b"ture")
    assert (ways.direct, ways.plain, head["status"]) == ([b"picture"], [b"picture"], 204)
    assert ways.after == [GONE]  # and behind it whatever comes


async def test_what_is_judged_by_its_query_is_not_read() -> None:
    ways = Ways()

    def refuse(query: bytes) -> Take | None:
        raise Unprocessable("bad_model_name", "It is none. Send another.")

    entry = Entry(ways._plain, BodyLimits(10**6), None, {"/here": refuse})
    ways.entry = entry
    head, _ = await ways(b"x")
    assert (head["status"], len(ways.left), ways.plain) == (422, 3, [])


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ImageRejected("image_invalid", "It is none. Send another."), 422, "image_invalid"),
        (NotReady("too_late", "Later."), 503, "too_late"),
        (ArithmeticError("secret"), 500, "internal_error"),
    ],
)
async def test_what_is_raised_on_the_way_is_a_problem(error: Exception, status: int, code: str) -> None:
    def take(sent: Sent) -> bytes | None:
        raise error

    with capture_logs() as logs:
        head, body = await Ways(take)(b"x", headers=((b"x-request-id", b"mine"),))
    told = json.loads(body["body"])
    assert (head["status"], told["code"], told["request_id"]) == (status, code, "mine")
    assert b"secret" not in body["body"] and logs[-1]["status"] == status
    assert [line["event"] for line in logs] == ["unforeseen"] * (status == 500) + ["request"]


async def test_a_client_that_leaves_before_its_body_is_whole_gets_no_answer() -> None:
    ways = Ways()
    with capture_logs() as logs:
        assert await ways(b"pict", headers=((b"content-length", b"7"),), is_whole=False) == []
    assert (ways.direct, [line["status"] for line in logs]) == ([], [499])


async def test_only_an_unknown_encoding_is_told_which_are_known() -> None:
    known = [(b"accept-encoding", b"identity, gzip")]
    for encoding, expected in ((b"br", known), (b"gzip", [])):
        head, *_ = await Ways()(b"x", headers=((b"content-encoding", encoding),))
        assert [pair for pair in head["headers"] if pair[0] == b"accept-encoding"] == expected
        assert head["status"] == (415 if expected else 400)


async def test_a_body_in_morsels_takes_no_more_memory_than_in_one_piece() -> None:
    """Each of them would be an object of its own, of a body too short to be counted, on every connection."""
    taken = 0

    def peak(sent: Sent) -> bytes:
        nonlocal taken
        taken = tracemalloc.get_traced_memory()[1]
        return b"{}"

    ways = Ways(peak)
    left = FREE // 2
    length = (b"content-length", b"%d" % FREE)
    scope = {"type": "http", "method": "POST", "path": "/here", "query_string": b"", "headers": [length]}

    async def receive() -> Message:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": bytes(bytearray(2)), "more_body": left > 0}

    async def send(_: Message) -> None: ...

    tracemalloc.start()
    try:
        await ways.entry(scope, receive, send)
    finally:
        tracemalloc.stop()
    assert ways.direct == [bytes(FREE)]
    assert 0 < taken < 8 * FREE  # a list of them would have thirty times as much
