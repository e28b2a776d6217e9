"""Newcomers, from a listening socket that several processes share: who has taken some leaves the next to others for a
moment. Without that, whoever is awake takes all that come together, and another, which takes a moment to wake up,
has none of them for as long as they last.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable

_REST_SECONDS = 0.002
_MOST = 64  # newcomers at once
_NO_ROOM_SECONDS = 0.1  # where there is no file descriptor to be had


class Acceptor:
    """Lives on one event loop, from its making on. `close` and `wait_closed` are what uvicorn asks of a server."""

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], *, is_alone: bool = False
    ) -> None:
        """`listener` listens already. `is_alone` says that no other process has it."""
        self._listener = listener
        self._protocol = protocol
        self._is_alone = is_alone
        self._loop = asyncio.get_running_loop()
        self._at_once = _MOST if is_alone else 1
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
        if not self._is_alone:
            self._at_once = 1
        self._take()

    def _take(self) -> None:
        """As many as may be taken now; then others have their turn."""
        taken = 0
        try:
            while taken < self._at_once:
                self._begin(self._listener.accept()[0])
                taken += 1
        except (BlockingIOError, ConnectionAbortedError):  # another was quicker, or the client left at once
            pass
        except OSError:
            self._rest(_NO_ROOM_SECONDS)
            return
        if taken and not self._is_alone:
            self._rest(_REST_SECONDS)
        elif self._resting is not None:
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

    def _rest(self, seconds: float) -> None:
        if self._resting is None:
            self._loop.remove_reader(self._listener)
        self._resting = self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        """Whoever waits now belongs to a crowd, of which ever more are taken at a time."""
        self._at_once = min(2 * self._at_once, _MOST)
        self._take()
