"""What of the body cap no HTTP client can send to the whole app: tests/integration/web/test_request.py has the rest."""

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import NotReady, PayloadTooLarge
from app.web.budget import FREE, ByteBudget, Held, held_by, told
from app.web.limits import BodyLimits


async def limited(app: ASGIApp, limits: BodyLimits, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers as the entry has it answered."""
    with limits.held(scope) as held:
        await app(*limits.received(told(scope, held), receive, held), send)


async def counting(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


async def status(*chunks: bytes, length: bytes | None = None) -> int:
    headers = [] if length is None else [(b"content-length", length)]
    left = list(chunks)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    await limited(counting, BodyLimits(10), {"type": "http", "headers": headers}, receive, send)
    code: int = sent[0]["status"]
    return code


@pytest.mark.parametrize("length", [b"11", b"+5", b"5, 5", b"0x5", b"", b"1_0", "\u0665".encode(), b"9" * 5000])
async def test_a_length_that_is_no_number_up_to_the_cap_is_refused_unread(length: bytes) -> None:
    with pytest.raises(PayloadTooLarge):
        await status(length=length)


async def test_a_body_longer_than_it_declares_is_refused_at_the_byte_too_many() -> None:
    assert await status(b"12345", b"67890", length=b"5") == 200
    with pytest.raises(PayloadTooLarge):
        await status(b"12345", b"67890", b"1", b"never read", length=b"5")


async def received(sizes: list[int], budget: ByteBudget | None = None) -> list[int]:
    """How large the pieces are that a route gets of a body that comes in pieces of these sizes."""
    got: list[int] = []

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            got.append(len(message.get("body", b"")))
            more = message.get("more_body", False)
        assert held_by(scope).bytes == sum(got)
        await PlainTextResponse("")(scope, receive, send)

    left = list(sizes)

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(left.pop(0)), "more_body": bool(left)}

    async def send(message: Message) -> None:
        pass

    scope = {"type": "http", "headers": [], "client": ("10.0.0.1", 1), "method": "POST", "path": "/"}
    await limited(route, BodyLimits(10**7, budget=budget), scope, receive, send)
    return got


async def test_morsels_are_handed_on_together() -> None:
    """Each of them would be an object of its own until the last one has come."""
    assert await received([1] * 200_000) == [65_536, 65_536, 65_536, 3392]
    assert await received([100_000, 1, 1, 70_000, 0]) == [100_000, 70_002, 0]
    assert await received([5]) == [5]
    assert await received([0, 0, 5]) == [5]


async def test_a_body_over_the_budget_is_refused_where_it_comes_and_gives_back_what_it_held() -> None:
    budget = ByteBudget(2 * 10**6)
    assert await received([65_536] * 15, budget) == [65_536] * 15 and budget.held == 0
    with pytest.raises(NotReady) as refused:
        await received([65_536] * 20, budget)
    assert refused.value.code == "too_busy" and budget.held == 0


async def test_what_is_only_declared_takes_no_room_and_sends_nobody_away() -> None:
    held: list[int] = []

    async def app(*_: object) -> None:
        held.append(budget.held)

    async def nothing(*_: object) -> Message:
        raise AssertionError("nothing is read or sent")

    budget = ByteBudget(2 * 10**6)
    other = Held(budget, "10.0.0.2")
    other.add(10**6)
    scope = {"type": "http", "headers": [(b"content-length", b"1500000")], "client": ("10.0.0.1", 1)}
    await limited(app, BodyLimits(10**7, budget=budget), scope, nothing, nothing)  # type: ignore[arg-type]
    assert held == [budget.held] == [10**6 - FREE]


async def test_a_body_that_goes_to_disk_counts_for_what_is_on_its_way() -> None:
    budget = ByteBudget(10**7)
    held: list[int] = []

    async def upload(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            held.append(budget.held)
        await PlainTextResponse("")(scope, receive, send)

    left = [65_536] * 100

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(left.pop()), "more_body": bool(left)}

    async def send(message: Message) -> None:
        pass

    scope = {"type": "http", "headers": [], "client": ("10.0.0.1", 1), "method": "POST", "path": "/v1/files"}
    await limited(upload, BodyLimits(10, {"POST /v1/files": 10**8}, budget), scope, receive, send)
    assert set(held) == {12 * 65_536} and budget.held == 0
