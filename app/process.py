"""One API process: uvicorn on a socket that it was given."""

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Sequence
from types import FrameType
from typing import cast

import structlog
import uvicorn
from starlette.types import ASGIApp

from app.errors import NOTHING_LASTS, CannotStart
from app.logs import output
from app.main import create_app
from app.settings import Settings
from app.storage import upkeep
from app.storage.db import Database
from app.supervision import exposure, readiness, starts
from app.supervision.lifeline import Lifeline
from app.telemetry.board import Board
from app.telemetry.measures import Measures
from app.web.access.key_store import KeyStore
from app.web.access.loopback import socket_on_loopback
from app.web.access.shared_counts import SharedCounts
from app.web.drain import Drain
from app.web.entry import Service
from app.web.http1 import descriptors
from app.web.http1.acceptor import Acceptor
from app.web.http1.limits import HttpLimits
from app.web.http1.protocol import connections_of, http_protocol
from models_store.model import best_device
from models_store.store.ballast import Ballast

_DATABASE_SECONDS = 2.0  # to find out, before the start, whether it is one that can be used
_LAST_SECONDS = 1.0  # between the end of accepting and the end of idle connections: their next answer closes them
_FINISH_SECONDS = 25  # requests in flight get this long after that

_log = structlog.get_logger("digitserve.process")


def run(
    settings: Settings,
    fd: int,
    lifeline: Lifeline | None,
    ready: int | None,
    counts: Sequence[int] | None = None,
    board: Sequence[int] | None = None,
    *,
    is_first: bool = True,
) -> None:
    """Answers on the listening socket `fd` until SIGTERM, SIGINT or, with a lifeline, the end of the parent.

    `ready` is the write end of a pipe on which the parent is told what loads, and when this process answers; `counts`
    are a descriptor of the memory that its processes count visitors in, and the row of this one; `board` likewise of
    that in which they count what they do. One that takes the place of another (not `is_first`) does not ask whether
    there are keys. Raises CannotStart, or tells the parent so and ends with 1.
    """
    is_local = socket_on_loopback(fd)
    output.configure(settings.log_format, settings.log_level)
    if ready is not None:
        readiness.report(ready, only=output.chosen(settings.log_format) == "words")
    try:
        _check(settings, is_safe=is_local or not is_first)
        held = Ballast(settings.store_dir), *filter(None, [Database(settings.database).ballast])
        upkeep.begin(settings.state_dir, settings.database_file, held)
        if is_first:
            starts.begin(settings)
        app = create_app(settings, is_local=is_local, counts=_counts(counts), board=_board(board))
        _serve(app, settings, fd, lifeline)
    except CannotStart as failure:
        if ready is None:
            raise
        _log.error(readiness.FAILED, why=str(failure))  # the parent says it, once for all of them
        raise SystemExit(1) from None


def _check(settings: Settings, *, is_safe: bool) -> None:
    """Finds what would never answer, whatever one waits, and what others must not reach. Raises CannotStart.

    `is_safe` says that it is not asked whether there are keys."""
    if settings.device == "cuda" and best_device() != "cuda":
        raise CannotStart(
            "DIGITSERVE_DEVICE is cuda, and torch sees no GPU here. Set it to auto, or install a CUDA build of torch."
        )
    database = Database(settings.database, _DATABASE_SECONDS)
    try:
        database.check()
        why = exposure.refusal(settings, KeyStore(database).found(), is_local=is_safe)
    except NOTHING_LASTS as refusal:
        if refusal.code == "database_too_new":
            raise CannotStart(str(refusal)) from None
        if refusal.code == "database_unusable":
            raise CannotStart(
                "The database can't be used: it is damaged, no database, or not this user's, or its URL asks for what "
                "there is not. Restore it, or name another with DIGITSERVE_DATABASE_URL."
            ) from None
        _log.error(refusal.code, why=str(refusal))  # it may be back soon, and says then who may ask
        why = None
    finally:
        database.close()
    if why:
        raise CannotStart(why)


def _counts(given: Sequence[int] | None) -> SharedCounts | None:
    if given is None:
        return None
    try:
        return SharedCounts(*given)
    except (OSError, ValueError, IndexError):
        raise CannotStart("--counts names no memory that `serve` has made. Leave it out.") from None


def _board(given: Sequence[int] | None) -> Board | None:
    try:
        return None if given is None else Board(*given)
    except (OSError, ValueError):
        raise CannotStart("--board names no memory that `serve` has made. Leave it out.") from None


def _serve(app: Service, settings: Settings, fd: int, lifeline: Lifeline | None) -> None:
    config = configured(app, settings, app.state.measures)
    server = Server(config, app.state.drain, lifeline, is_alone=settings.workers == 1)
    with socket.socket(fileno=fd) as listener, contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if server.broke:
        raise CannotStart("The service broke while it started. The log says where.")


def configured(app: ASGIApp, settings: Settings, measures: Measures | None = None) -> uvicorn.Config:
    """How uvicorn answers with `app`. Raises this process's limit of file descriptors."""
    most = descriptors.raise_limit(settings.max_connections)
    limits = HttpLimits(settings.keep_alive_seconds, descriptors.most_connections(settings.max_connections, most))
    return uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", http_protocol(limits, measures)),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would trust this machine; whom to trust says app.web.access.proxies
        timeout_keep_alive=settings.keep_alive_seconds,
        backlog=descriptors.backlog(most),
        timeout_graceful_shutdown=_FINISH_SECONDS,
    )


class Server(uvicorn.Server):
    """uvicorn that drains before it ends: no answered client is reset, and the end is no failure."""

    def __init__(
        self, config: uvicorn.Config, drain: Drain, lifeline: Lifeline | None, *, is_alone: bool = False
    ) -> None:
        """`is_alone` says that no other process accepts from its socket."""
        super().__init__(config)
        self._is_alone = is_alone
        self._drain = drain
        self._lifeline = lifeline
        self._loop: asyncio.AbstractEventLoop | None = None
        self.servers = []  # uvicorn sets it when it listens, and a stop may come while the first version loads

    @property
    def broke(self) -> bool:
        """Whether the app could not be started; uvicorn has logged why."""
        return not self.started and self._loop is not None and self.lifespan.should_exit

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup([])
        connections = connections_of(self.config.http_protocol_class)
        for listener in sockets or []:
            listener.listen(self.config.backlog)
            acceptor = Acceptor(listener, self._protocol, lambda: connections.is_busy, is_alone=self._is_alone)
            self.servers.append(cast(asyncio.Server, acceptor))
        _keep_what_stays()
        if self._lifeline is not None and self.started:
            self._lifeline.take_over(self._parent_ended)
        if self.started and not self._drain.begun:
            _log.info(readiness.ANSWERING, pid=os.getpid())

    def _protocol(self) -> asyncio.Protocol:
        made: type[asyncio.Protocol] = self.config.http_protocol_class
        given = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}
        return made(**given)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal handler. Before the loop runs there is nothing to drain; a second signal changes nothing."""
        if self._loop is None:
            self.should_exit = True
        else:
            self._loop.call_soon_threadsafe(self._begin_to_end)

    def _parent_ended(self) -> None:
        assert self._loop is not None, "it runs when the lifeline is taken over"
        with contextlib.suppress(RuntimeError):  # the loop is closed: everything has ended
            self._loop.call_soon_threadsafe(self._begin_to_end)

    def _begin_to_end(self) -> None:
        assert self._loop is not None
        if not self._drain.begun:
            self._drain.begin()
            for listening in self.servers:
                listening.close()
            self._loop.call_later(_LAST_SECONDS, setattr, self, "should_exit", True)


def _keep_what_stays() -> None:
    """Takes what a process has loaded out of what Python searches for garbage: torch's objects alone held up the event
    loop for an eighth of a second, every eight thousand requests.
    """
    gc.collect()
    gc.freeze()
