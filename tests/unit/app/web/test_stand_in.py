"""Whoever comes while no process answers is answered 503 over a real socket, and never reset."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from app.telemetry.measures import Measures
from app.web.stand_in import ENDING, STARTING, StandIn
from tests.support.leaping import LeapingLoop, leap
from tests.support.patience import until

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"loop_factory": LeapingLoop}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@contextlib.asynccontextmanager
async def declining(listener: socket.socket) -> AsyncIterator[StandIn]:
    """What answers while the last processes end."""
    stand_in = StandIn(listener)
    stand_in.answer(ENDING)
    yield stand_in
    await stand_in.close()


def url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=None)


def connected(listener: socket.socket) -> socket.socket:
    """A client whom the kernel has let in, and nobody else yet."""
    made = socket.create_connection(listener.getsockname())
    made.setblocking(False)
    return made


async def heard(connection: socket.socket) -> bytes:
    """All that a client is told until its connection ends; a reset raises ConnectionResetError."""
    reader, writer = await asyncio.open_connection(sock=connection)
    said = await reader.read()
    writer.close()
    return said


async def test_every_request_is_answered_in_the_shape_of_every_error(listener: socket.socket) -> None:
    async with declining(listener), client() as http:
        answers = [await http.get(url(listener)) for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert (answer.json()["code"], answer.json()["status"]) == ("draining", 503)
        assert answer.headers["connection"] == "close" and int(answer.headers["retry-after"]) > 0
    assert len({answer.headers["x-request-id"] for answer in answers}) == 2
    assert answers[0].json()["request_id"] == answers[0].headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "is_string"),
    [("/v2/models/digits/infer", True), ("/v2", True), ("/digits/v2/health/ready?x=1", True), ("/v1/models", False),
     ("/?to=/v2", False), ("/v22", False)],
)  # fmt: skip
async def test_each_door_reads_its_error(listener: socket.socket, path: str, is_string: bool) -> None:
    async with declining(listener), client() as http:
        answer = (await http.get(url(listener) + path)).json()
    assert isinstance(answer["error"], str) is is_string and answer["code"] == "draining"


async def test_a_body_that_nobody_wants_does_not_turn_the_answer_into_a_reset(listener: socket.socket) -> None:
    async with declining(listener), client() as http:
        answer = await http.post(url(listener), content=bytes(4 * 2**20))
    assert answer.status_code == 503


async def test_who_was_let_in_before_the_end_is_answered_and_nobody_after_it(listener: socket.socket) -> None:
    address = listener.getsockname()
    waiting = [connected(listener) for _ in range(5)]
    for one in waiting:
        one.sendall(REQUEST)
    listening = [asyncio.create_task(heard(one)) for one in waiting]
    async with declining(listener):
        pass  # there was no time to accept anybody
    assert [(await said).partition(b"\r\n")[0] for said in listening] == [b"HTTP/1.1 503 Service Unavailable"] * 5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


async def test_who_says_nothing_is_given_up_and_keeps_nobody_waiting(listener: socket.socket) -> None:
    silent = asyncio.create_task(heard(connected(listener)))
    async with declining(listener), client() as http:
        assert (await http.get(url(listener))).status_code == 503
        assert not silent.done()

        def is_given_up() -> bool:
            leap(1)
            return silent.done()

        await until(is_given_up)
    assert await silent == b""


async def test_who_leaves_at_once_harms_nobody(listener: socket.socket) -> None:
    connected(listener).close()
    async with declining(listener), client() as http:
        leaving = connected(listener)
        leaving.sendall(REQUEST[:10])
        leaving.close()
        assert (await http.get(url(listener))).status_code == 503


async def test_while_the_first_processes_start_it_says_so_and_then_leaves_connections_to_them(
    listener: socket.socket,
) -> None:
    async with declining(listener) as stand_in, client() as http:
        stand_in.answer(STARTING)
        answer = await http.get(f"{url(listener)}/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert int(answer.headers["retry-after"]) > 0
        stand_in.rest()
        waiting = connected(listener)
        waiting.sendall(REQUEST)
        await asyncio.sleep(0)
        process = listener.accept()[0]  # a process finds it there
        assert process.recv(100) == REQUEST
        process.close()
        waiting.close()
        stand_in.answer(STARTING)  # that process has died
        assert (await http.get(url(listener))).json()["code"] == "not_ready"


async def test_who_asks_for_the_head_alone_is_sent_no_body(listener: socket.socket) -> None:
    asking = connected(listener)
    asking.sendall(REQUEST.replace(b"GET", b"HEAD"))
    async with declining(listener):
        head, _, body = (await heard(asking)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ") and body == b""


async def test_a_crowd_takes_no_more_file_descriptors_than_it_may(listener: socket.socket) -> None:
    stand_in = StandIn(listener, max_talks=3)
    stand_in.answer(ENDING)
    crowd = [connected(listener) for _ in range(5)]
    await until(lambda: len(stand_in._talks) == 3)
    await asyncio.sleep(0.01)
    assert len(stand_in._talks) == 3
    for one in crowd[:3]:
        one.close()
    said = await asyncio.gather(*(asked(one) for one in crowd[3:]))
    assert all(each.startswith(b"HTTP/1.1 503 ") for each in said)
    await stand_in.close()


async def asked(connection: socket.socket) -> bytes:
    """What is said to a request."""
    connection.sendall(REQUEST)
    return await heard(connection)


async def test_whom_it_answers_is_counted(listener: socket.socket) -> None:
    measures = Measures()
    stand_in = StandIn(listener, measures=measures)
    stand_in.answer(STARTING)
    async with client() as http:
        for _ in range(2):
            assert (await http.get(url(listener))).status_code == 503
    await stand_in.close()
    assert measures.requests.cells() == {("other", "other", "503"): [2]}
    assert measures.refusals.cells() == {("not_ready",): [2]}
