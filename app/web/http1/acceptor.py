"""Newcomers, from a listening socket that several processes share: who has something to do leaves them to others for a
moment. Without that, whoever is awake takes all that come, and another, which takes a while to wake up, has none of
them for as long as they last.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable

_REST_SECONDS = 0.004  # what another process may take to wake up on a busy core
_MOST = 64  # newcomers at once
_NO_ROOM_SECONDS = 0.1  # where there is no file descriptor to be had


class Acceptor:
    """Lives on one event loop, from its making on. `close` and `wait_closed` are what uvicorn asks of a server."""

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        is_busy: Callable[[], bool] = lambda: False,
        *,
        is_alone: bool = False,
    ) -> None:
        """`listener` listens already. `is_busy` tells whether this process has requests to answer, `is_alone` that no
        other process accepts from the listener.
        """
        self._listener = listener
        self._protocol = protocol
        self._is_busy = is_busy
        self._is_alone = is_alone
        self._loop = asyncio.get_running_loop()
        self._resting: asyncio.TimerHandle | None = None
        self._beginning: set[asyncio.Task[object]] = set()
        self._is_closed = False
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Takes no more."""
        if not self._is_closed:
            self._is_closed = True
            self._loop.remove_reader(self._listener)
            if self._resting is not None:
                self._resting.cancel()

    async def wait_closed(self) -> None:
        """Returns when those that were taken have begun."""
        if self._beginning:
            await asyncio.wait(self._beginning)

    def _accept(self) -> None:
        if self._is_alone:
            self._take(_MOST)
        elif self._beginning or self._is_busy():
            self._rest(_REST_SECONDS, 1)
        else:
            self._take(1)

    def _take(self, most: int) -> None:
        """So many newcomers. Who still waits after a rest is of a crowd, of which ever more are taken at a time."""
        taken = 0
        try:
            while taken < most:
                self._begin(self._listener.accept()[0])
                taken += 1
        except (BlockingIOError, ConnectionAbortedError):  # another was quicker, or the client left at once
            pass
        except OSError:
            self._rest(_NO_ROOM_SECONDS, 1)
            return
        if self._resting is None:
            return
        if taken == most:
            self._rest(_REST_SECONDS, min(2 * most, _MOST))
        else:
            self._resting = None
            self._loop.add_reader(self._listener, self._accept)

    def _begin(self, newcomer: socket.socket) -> None:
        newcomer.setblocking(False)
        with contextlib.suppress(OSError):  # it has gone already, or is no TCP
            newcomer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._connected(newcomer))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _connected(self, newcomer: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, newcomer)
        except OSError:  # it has gone
            newcomer.close()

    def _rest(self, seconds: float, most: int) -> None:
        if self._resting is None:
            self._loop.remove_reader(self._listener)
        self._resting = self._loop.call_later(seconds, self._take, most)
