"""Newcomers of one socket and two acceptors, which stand for two processes: neither takes all, and none is left out."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest

from app.web.http1.acceptor import Acceptor


class Greets(asyncio.Protocol):
    """Says which of the acceptors it is of."""

    def __init__(self, name: bytes) -> None:
        self._name = name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._name)
        transport.close()


@pytest.fixture
async def listener() -> AsyncIterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield listening


def acceptor(listener: socket.socket, name: bytes, *, is_alone: bool = False) -> Acceptor:
    return Acceptor(listener, lambda: Greets(name), is_alone=is_alone)


async def greeted(listener: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    said = await reader.read()
    writer.close()
    return said


async def test_of_those_who_come_together_each_process_has_some(listener: socket.socket) -> None:
    """Of two that are busy all the time; a crowd is through soon."""
    with listener.dup() as same:  # each process has a descriptor of its own
        first, second = (
            Acceptor(one, partial(Greets, name), lambda: True) for one, name in ((listener, b"a"), (same, b"b"))
        )
        greetings = await asyncio.gather(*(greeted(listener) for _ in range(200)))
        assert {*greetings} == {b"a", b"b"}
        assert 20 <= greetings.count(b"a") <= 180
        first.close()
        second.close()


async def test_who_comes_alone_is_taken_however_often(listener: socket.socket) -> None:
    only = acceptor(listener, b"a")
    assert [await greeted(listener) for _ in range(20)] == [b"a"] * 20
    only.close()


async def test_who_is_busy_leaves_newcomers_to_who_is_not_and_takes_them_where_nobody_does(
    listener: socket.socket,
) -> None:
    with listener.dup() as same:
        busy, idle = Acceptor(listener, lambda: Greets(b"a"), lambda: True), acceptor(same, b"b")
        greetings = []
        for _ in range(20):
            greetings.append(await greeted(listener))
        assert greetings.count(b"b") > greetings.count(b"a")
        idle.close()
        assert await greeted(listener) == b"a"
        busy.close()


async def test_who_is_alone_takes_all_that_wait_at_once(listener: socket.socket) -> None:
    clients = [socket.create_connection(listener.getsockname()) for _ in range(30)]
    only = acceptor(listener, b"a", is_alone=True)
    for client in clients:
        client.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(client, 1) == b"a"
        client.close()
    only.close()


async def test_once_closed_it_takes_nobody_and_another_does(listener: socket.socket) -> None:
    first = acceptor(listener, b"a")
    assert await greeted(listener) == b"a"
    first.close()
    first.close()
    await first.wait_closed()
    waits = asyncio.create_task(greeted(listener))
    await asyncio.sleep(0.05)
    assert not waits.done()
    second = acceptor(listener, b"b")
    assert await waits == b"b"
    second.close()


async def test_where_there_is_no_file_descriptor_newcomers_wait_for_one(
    listener: socket.socket,
) -> None:
    class Full:
        """The socket, while the process has no descriptor left."""

        refused = 0

        def __getattr__(self, name: str) -> object:
            return getattr(listener, name)

        def fileno(self) -> int:
            return listener.fileno()

        def accept(self) -> object:
            if self.refused < 3:
                self.refused += 1
                raise OSError(24, "Too many open files")
            return listener.accept()

    full = Full()
    only = acceptor(full, b"a")  # type: ignore[arg-type]
    assert await greeted(listener) == b"a"
    assert full.refused == 3
    only.close()


async def test_a_client_that_has_gone_already_harms_no_other(listener: socket.socket) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            gone = stack.enter_context(socket.create_connection(listener.getsockname()))
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closing resets
    only = acceptor(listener, b"a")
    assert await greeted(listener) == b"a"
    only.close()
    await only.wait_closed()
