"""Who answers on an address, asked of real servers of a few lines."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.supervision.probe import Found, Who, probe
from app.web.problems import Problem


@contextlib.contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """A server that has one answer to everything; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def problem(code: str) -> bytes:
    return json.dumps(Problem(503, code, "Ask again soon.").body("req_1")).encode()


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, b'{"status": "ready", "model": "digits@2"}', Found(Who.READY, "digits@2")),
        (503, problem("not_ready"), Found(Who.NOT_READY)),
        (503, problem("draining"), Found(Who.ENDING)),
        (404, problem("not_found"), Found(Who.OTHER)),
        (200, b'{"status": "ready"}', Found(Who.OTHER)),
        (200, b"<html>", Found(Who.OTHER)),
        (200, b"[]", Found(Who.OTHER)),
        (200, b"\xff", Found(Who.OTHER)),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_it_knows_its_own(host: str, status: int, body: bytes, found: Found) -> None:
    with answering(status, body) as port:
        assert probe(host, port, 30) == found


def test_nobody_and_one_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert probe("127.0.0.1", port, 0.05).who == Who.SILENT
    assert probe("127.0.0.1", port, 30).who == Who.NOBODY


def test_a_program_that_speaks_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            with other.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"220 mail\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert probe("127.0.0.1", other.getsockname()[1], 30).who == Who.OTHER
        thread.join()
