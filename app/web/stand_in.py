"""Answers 503 to whoever comes while no process of a server can answer: otherwise they would wait in silence while the
first ones start, and be reset while the last ones end.
"""

import asyncio
import contextlib
import socket

from app.telemetry.measures import Measures
from app.web.http1.answer import spelled
from app.web.problems import Problem
from app.web.request_id import new_request_id

STARTING = Problem(503, "not_ready", "No process of this server answers yet. Repeat the request in a few seconds.")
ENDING = Problem(503, "draining", "This server is about to end. Repeat the request in a few seconds.")

_PATIENCE_SECONDS = 2.0  # for a client to send its request and to read the answer
_REST_SECONDS = 0.1  # where there is no file descriptor to be had
_MAX_TALKS = 256  # at once: who starts processes needs file descriptors too


class StandIn:
    """Shares a listening socket with the processes, and accepts only while it is told to. Lives on one event loop."""

    def __init__(self, listener: socket.socket, max_talks: int = _MAX_TALKS, measures: Measures | None = None) -> None:
        self._listener = listener
        self._measures = measures or Measures()
        self._max_talks = max_talks
        self._listener.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._talks: set[asyncio.Task[None]] = set()
        self._problem: Problem | None = None

    def answer(self, problem: Problem) -> None:
        """From now on every connection is accepted here and answered with this problem."""
        self._problem = problem
        self._loop.add_reader(self._listener, self._accept)

    def rest(self) -> None:
        """From now on connections are left to the processes."""
        self._problem = None
        self._loop.remove_reader(self._listener)

    async def close(self) -> None:
        """Answers whom the kernel has let in already, and closes the socket: between the two lie microseconds."""
        self._loop.remove_reader(self._listener)
        with contextlib.suppress(OSError):  # nobody is left, or no file descriptor to be had
            while True:
                self._talk(self._listener.accept()[0], self._problem or ENDING)
        self._listener.close()
        if self._talks:
            await asyncio.wait(self._talks, timeout=_PATIENCE_SECONDS)

    def _accept(self) -> None:
        if self._problem is None:
            return
        if len(self._talks) >= self._max_talks:
            self._rest_a_little()
            return
        try:
            self._talk(self._listener.accept()[0], self._problem)
        except BlockingIOError:  # a process was quicker, or the client left at once
            pass
        except OSError:  # no file descriptor to be had
            self._rest_a_little()

    def _rest_a_little(self) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(_REST_SECONDS, self._go_on)

    def _go_on(self) -> None:
        if self._problem is not None and self._listener.fileno() >= 0:
            self.answer(self._problem)

    def _talk(self, connection: socket.socket, problem: Problem) -> None:
        connection.setblocking(False)
        task = asyncio.create_task(_decline(connection, problem, self._measures))
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)


def _path(request: bytes) -> str:
    """The path that is asked, from where the Open Inference Protocol's begins: before it may stand a proxy's."""
    target = request.partition(b"\r\n")[0].partition(b" ")[2].partition(b" ")[0].decode("latin-1")
    path = target.partition("?")[0]
    return path[max(0, path.find("/v2")) :]


async def _decline(connection: socket.socket, problem: Problem, measures: Measures) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    with contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            request = await reader.readuntil(b"\r\n\r\n")
            measures.refused_unread(problem.status, problem.code)
            with_body = not request.startswith(b"HEAD ")
            writer.write(spelled(problem, new_request_id(), with_body=with_body, path=_path(request)))
            writer.write_eof()
            while await reader.read(65_536):  # unread bytes would turn our closing into a reset
                pass
    writer.close()
