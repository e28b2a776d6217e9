"""The address that `serve` listens on, also where the server before it has not quite ended."""

import errno
import socket
import time

import structlog

from app.errors import CannotListen
from app.logs.urls import url_of
from app.supervision.probe import Found, Who, probe

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = {  # how long each may hold the address before we give up
    Who.ENDING: 60.0,  # longer than a server takes to end
    Who.READY: 2.0,  # it may have been told to end a moment ago
    # of a server that was killed a moment ago, processes that have not noticed it yet
    Who.NOT_READY: 10.0,
    Who.SILENT: 10.0,
    Who.NOBODY: 10.0,
    Who.OTHER: 0.0,
}
_OPTIONS = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}  # tcp(7)
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # of hosts

_log = structlog.get_logger("digitserve.supervisor")


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens. Where a DigitServe that is about to end still does, waits until it is gone.

    Raises CannotListen.
    """
    began, waits = time.monotonic(), False
    while True:
        try:
            return _bound(host, port)
        except OSError as error:
            found = probe(host, port) if error.errno == errno.EADDRINUSE else Found(Who.OTHER)
            if time.monotonic() - began >= _PATIENCE_SECONDS[found.who]:
                raise CannotListen(_advice(host, port, found, error)) from None
        if found.who == Who.ENDING and not waits:
            waits = True
            _log.info("waiting", why="the server before this one is about to end")
        time.sleep(_LOOK_SECONDS)


def url(listener: socket.socket) -> str:
    """The address as a URL."""
    return url_of(*listener.getsockname()[:2])


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except UnicodeError:  # an empty or an endless label
        raise socket.gaierror(socket.EAI_NONAME, "no host can be called that") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _notice_who_vanishes(listener)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def _notice_who_vanishes(listener: socket.socket) -> None:
    """On Linux connections are let in with what their listener is told. A client whose machine lost its network says
    nothing more, and would be sent to for a quarter of an hour."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, number in _OPTIONS.items():
        option = getattr(socket, name, None)  # not every system has each
        if option is not None:
            listener.setsockopt(socket.IPPROTO_TCP, option, number)


def _advice(host: str, port: int, found: Found, error: OSError) -> str:
    if found.is_ours:
        where = url_of(host, port)
        return f"DigitServe runs on {where} already. Open that in a browser, stop it, or choose another --port."
    if isinstance(error, socket.gaierror) or error.errno in _NOT_HERE:
        advice = "Name an address of this machine with --host or DIGITSERVE_HOST."
    elif error.errno == errno.EACCES:
        advice = "Choose a --port above 1023: those below are for root."
    else:
        advice = "Stop what runs there or choose another --port."
    return f"Cannot listen on {host}:{port} ({error.strerror}). {advice}"
