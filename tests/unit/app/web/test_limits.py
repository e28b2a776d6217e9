"""What of the body cap no HTTP client can send to the whole app: tests/integration/web/test_request.py has the rest."""

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from app.errors import PayloadTooLarge
from app.web.limits import BodyLimit


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

    await BodyLimit(counting, max_bytes=10)({"type": "http", "headers": headers}, receive, send)
    code: int = sent[0]["status"]
    return code


@pytest.mark.parametrize("length", [b"11", b"+5", b"5, 5", b"0x5", b"", b"1_0", "\u0665".encode(), b"9" * 5000])
async def test_a_length_that_is_no_number_up_to_the_cap_is_refused_unread(length: bytes) -> None:
    assert await status(length=length) == 413


async def test_a_body_longer_than_it_declares_is_refused_at_the_byte_too_many() -> None:
    assert await status(b"12345", b"67890", length=b"5") == 200
    with pytest.raises(PayloadTooLarge):
        await status(b"12345", b"67890", b"1", b"never read", length=b"5")


async def test_other_connections_than_requests_pass_untouched() -> None:
    passed: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(receive)

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await BodyLimit(app, max_bytes=1)({"type": "lifespan"}, receive, send)
    assert passed == [receive]
