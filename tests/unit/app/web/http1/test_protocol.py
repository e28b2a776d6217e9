"""Heads and bodies without an end, over real sockets: refused in the shape of every error, and others are answered."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from app.web.http1.limits import HttpLimits
from tests.support.patience import until
from tests.unit.app.web.http1.serving import GET, MIB, Served, ask, chunked, client, post, serving

LIMITS = HttpLimits()
PAIR = b"X-Filler: " + b"y" * 1000 + b"\r\n"
MANY = b"".join(b"X-%d: y\r\n" % number for number in range(200))
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Served]:
    """One server for all that need no other: whatever comes, it goes on answering."""
    async with serving() as one:
        yield one


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /here HTTP/1.1\r\nHost: x\r\n" + PAIR * 40 + b"\r\n",
        b"GET /here HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 40_000 + b"\r\n\r\n",
        b"GET /here HTTP/1.1\r\nHost: x\r\n" + b"y" * 40_000 + b": x\r\n\r\n",
        b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /here HTTP/1.1\r\nHost: x\r\n" + MANY + b"\r\n",
        b"GET /here HTTP/1.1\r\nHost: x\r\n" + H2C + PAIR * 40 + b"\r\n",
        b"GET /here HTTP/1.1\r\nHost: x\r\n" + H2C + MANY + b"\r\n",
        b"\r\n" * 20_000,
        chunked([b"x"], trailers=PAIR * 40),
        chunked([b"x"], trailers=MANY),
        chunked([b"x"], trailers=b"X-Long: " + b"y" * 40_000),
        chunked([b"x"], extension=b";" + b"y" * 40_000),
        chunked([b"x" * 100] * 50, extension=b";" + b"y" * 1000),
    ],
    ids=[
        "bytes", "a long value", "a long name", "a long address", "lines", "an offer's bytes", "an offer's lines",
        "blank lines", "trailers", "trailers' lines", "a long trailer", "a long extension", "extensions",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [10**6, 1000])
async def test_a_head_has_an_end(served: Served, head: bytes, size: int) -> None:
    async with client(served.port) as one:
        await one.send(*cut(head, size))
        assert await one.problem() == (431, "headers_too_large")
        assert await one.rest() == b""
        assert (await ask(served.port))[0] == 200


@pytest.mark.parametrize("head", [b"HEAD /here HTTP/1.1\r\n" + PAIR * 40, b"HEAD /here nonsense\r\n\r\n"])
async def test_who_asks_with_head_is_refused_without_a_body(served: Served, head: bytes) -> None:
    async with client(served.port) as one:
        await one.send(head)
        said = await one.rest()
        assert said.startswith(b"HTTP/1.1 4") and said.endswith(b"\r\n\r\n") and said.count(b"\r\n\r\n") == 1


async def test_what_comes_behind_a_head_without_end_is_not_kept(served: Served) -> None:
    """Before there was a cap, 300 MiB of it were."""
    async with client(served.port) as one:
        tracemalloc.start()
        await one.send(b"GET /here HTTP/1.1\r\nHost: x\r\nX-Long: ", *[b"y" * 65_536] * 640)
        assert await one.problem() == (431, "headers_too_large")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 4 * MIB  # the client's own pieces too


@pytest.mark.parametrize("size", [1, 3, 7, 10**6])
async def test_a_head_below_the_cap_is_read_however_it_is_cut(served: Served, size: int) -> None:
    head = b"GET /here HTTP/1.1\r\nHost: x\r\n" + b"X-Filler: y\r\n" * 80 + b"\r\n"
    assert (await ask(served.port, *cut(head, size)))[0] == 200


@pytest.mark.parametrize("size", [1, 5, 1000, 10**6])
async def test_chunks_with_blank_lines_in_them_are_read_however_they_are_cut(served: Served, size: int) -> None:
    content = [b"\r\n\r\n", b"a\r\n\r\nb" * 20, b"\r", b"\n\r\n", b"x" * 300]
    request = chunked(content, trailers=b"X-After: 1\r\n", extension=b";name=value")
    async with client(served.port) as one:
        await one.send(*cut(request + GET, size))
        assert (await one.answer())[2] == b"%d" % sum(map(len, content))
        assert (await one.answer())[2] == b'"here"'


async def test_a_trailer_is_no_header() -> None:
    """It would come after everything that looked at the headers."""
    seen: list[object] = []

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        while (await receive()).get("more_body"):  # type: ignore[operator]
            pass
        seen.append(scope["headers"])
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body"})  # type: ignore[operator]

    async with serving(app=app) as served, client(served.port) as one:
        await one.send(chunked([b"x"], trailers=b"X-Admin: 1\r\n"))
        await one.answer()
    assert seen == [[(b"host", b"x"), (b"transfer-encoding", b"chunked")]]


async def test_tiny_chunks_are_refused_where_they_are_very_many(served: Served) -> None:
    async with client(served.port) as one:
        await one.send(chunked([b"x"] * 20_000))
        assert await one.problem() == (400, "chunks_too_small")
    async with client(served.port) as one:  # blank lines cut a body into pieces too
        await one.send(chunked([b"\r\n\r\n" * 50_000]))
        assert await one.problem() == (400, "chunks_too_small")
    assert await ask(served.port, chunked([b"x"] * 1000)) == (200, b"1000")
    assert await ask(served.port, chunked([b"x" * 1000] * 6000)) == (200, b"6000000")


async def test_who_sends_thousands_of_requests_is_answered_one_after_the_other() -> None:
    began = most = 0

    async def app(scope: object, receive: object, send: object) -> None:
        nonlocal began, most
        began += 1
        most = max(most, began)
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body"})  # type: ignore[operator]
        began -= 1

    async with serving(app=app) as served, client(served.port) as one:
        sending = asyncio.create_task(one.send(GET * 3000))
        for _ in range(3000):
            assert (await one.answer())[0] == 204
        await sending
        assert most == 1
        (protocol,) = served.server.server_state.connections
        assert not protocol.pipeline  # type: ignore[union-attr]


async def test_who_sends_and_never_reads_is_not_read_either() -> None:
    async with serving() as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1000)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(40):
            writer.write(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n" * 8000)
        await until(lambda: served.server.server_state.connections)
        (protocol,) = served.server.server_state.connections
        await until(lambda: protocol.flow.read_paused)  # type: ignore[union-attr]
        assert len(protocol._held) < MIB and (await ask(served.port))[0] == 200  # type: ignore[union-attr]
        writer.transport.abort()


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET /here HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /here HTTP/1.1\r\nHost x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,  # TLS
        b"POST /body HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /body HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /body HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        b"POST /body HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /body HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused_in_the_shape_of_every_error(served: Served, request_: bytes) -> None:
    async with client(served.port) as one:
        await one.send(request_ + GET)
        assert await one.problem() == (400, "request_malformed")
        assert await one.rest() == b""  # what follows may be meant for nobody


@pytest.mark.parametrize(
    "chunk", [b"-5\r\n", b"zz\r\n", b"ffffffffffffffffff\r\n", b"5\r\nhelloX\r\n", b"5\nhello\r\n"]
)
async def test_a_body_that_breaks_off_is_its_routes_to_answer(served: Served, chunk: bytes) -> None:
    head = b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with client(served.port) as one:
        await one.send(head + b"5\r\nhello\r\n" + chunk + b"0\r\n\r\n" + GET)
        assert await one.problem() == (400, "request_malformed")
        assert await one.rest() == b""


async def test_a_bad_request_behind_a_good_one_is_answered_after_it(served: Served) -> None:
    async with client(served.port) as one:
        await one.send(GET + post("/body", b"hello") + b"nonsense\r\n\r\n")
        assert [(await one.answer())[0] for _ in range(2)] == [200, 200]
        assert await one.problem() == (400, "request_malformed")


async def test_a_body_that_nobody_reads_is_passed_over_and_not_without_end(served: Served) -> None:
    async with client(served.port) as one:  # a little of it: the connection stays
        await one.send(post("/unread", declared=1000))
        assert "connection" not in (await one.answer())[1]
        await one.send(b"x" * 1000 + GET)
        assert (await one.answer())[2] == b'"here"'
    async with client(served.port) as one:  # much of it: the answer is read all the same
        await one.send(post("/unread", declared=9 * MIB), *[b"x" * MIB] * 9)
        status, headers, body = await one.answer()
        assert (status, headers["connection"], body) == (200, "close", b'"not read"')
    async with client(served.port) as one:
        await one.send(post("/body", declared=10**12), *[b"x" * MIB] * 20)
        assert await one.problem() == (413, "payload_too_large")


async def test_who_waits_for_100_continue_is_told_to_go_on_or_why_not(served: Served) -> None:
    expects = b"Expect: 100-continue"
    async with client(served.port) as one:
        await one.send(post("/body", b"", expects, declared=5))
        assert (await one.answer())[0] == 100
        await one.send(b"hello")
        assert (await one.answer())[2] == b"5"
    async with client(served.port) as one:
        await one.send(post("/body", b"", expects, declared=11 * MIB))
        assert await one.problem() == (413, "payload_too_large")


async def test_a_body_of_single_bytes_takes_no_more_memory_than_another(served: Served) -> None:
    async with client(served.port) as one:
        await one.send(post("/body", declared=5000), *[b"x"] * 5000)
        assert (await one.answer())[2] == b"5000"


async def test_a_refusal_is_one_line_of_the_log_whatever_was_sent(served: Served) -> None:
    with capture_logs() as logs:
        async with client(served.port) as one:
            await one.send(b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\n\r\n")
            assert (await one.problem())[0] == 431
    (line,) = logs
    assert (line["status"], line["code"]) == (431, "headers_too_large") and "yyy" not in str(line)


async def test_a_server_that_ends_does_not_wait_for_those_that_had_their_last_answer() -> None:
    async with serving() as served, client(served.port) as one:
        await one.send(b"nonsense\r\n\r\n")
        assert (await one.problem())[0] == 400
        served.server.should_exit = True
        await until(lambda: not served.open)
