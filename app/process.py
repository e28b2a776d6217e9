"""One API process: uvicorn on a socket that it was given."""

import asyncio
import contextlib
import os
import socket
from types import FrameType

import structlog
import uvicorn

from app import logs
from app.main import create_app
from app.settings import Settings
from app.supervision import readiness
from app.web.drain import Drain

_LAST_SECONDS = 1.0  # between the end of accepting and the end of idle connections: their next answer closes them
_FINISH_SECONDS = 25  # requests in flight get this long after that

_log = structlog.get_logger("digitserve.process")


def run(settings: Settings, fd: int, lifeline: int | None, ready: int | None) -> None:
    """Answers on the listening socket `fd` until SIGTERM, SIGINT or, with a lifeline, the end of the parent.

    `lifeline` is the read end of a pipe whose write end only the parent holds: it ends when the parent does, however.
    `ready` is the write end of a pipe on which the parent is told what loads, and when this process answers.
    """
    logs.configure(settings.log_format, settings.log_level)
    if ready is not None:
        readiness.report(ready, only=logs.chosen(settings.log_format) == "words")
    app = create_app(settings)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_FINISH_SECONDS
    )
    server = _Server(config, app.state.drain, lifeline)
    with socket.socket(fileno=fd) as listener, contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn that drains before it ends: no answered client is reset, and the end is no failure."""

    def __init__(self, config: uvicorn.Config, drain: Drain, lifeline: int | None) -> None:
        super().__init__(config)
        self._drain = drain
        self._lifeline = lifeline
        self._loop: asyncio.AbstractEventLoop | None = None
        self.servers = []  # uvicorn sets it when it listens, and a stop may come while the first version loads

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        if self._lifeline is not None:
            os.set_blocking(self._lifeline, False)
            self._loop.add_reader(self._lifeline, self._parent_ended)
        await super().startup(sockets)
        if self.started and not self._drain.begun:
            _log.info(readiness.ANSWERING)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal handler. Before the loop runs there is nothing to drain; a second signal changes nothing."""
        if self._loop is None:
            self.should_exit = True
        else:
            self._loop.call_soon_threadsafe(self._begin_to_end)

    def _parent_ended(self) -> None:
        assert self._loop is not None and self._lifeline is not None
        self._loop.remove_reader(self._lifeline)
        self._begin_to_end()

    def _begin_to_end(self) -> None:
        assert self._loop is not None
        if not self._drain.begun:
            self._drain.begin()
            for listening in self.servers:
                listening.close()
            self._loop.call_later(_LAST_SECONDS, setattr, self, "should_exit", True)
