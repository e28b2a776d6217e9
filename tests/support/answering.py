"""A real HTTP server on this machine that says what a test told it to say, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass
class Answer:
    """What to say. `before_end` runs when the body is sent; `hang_up` closes the connection without a word."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False
    before_end: Callable[[], None] = lambda: None


def as_json(content: Any, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(content).encode(), headers=headers)


def as_problem(status: int, detail: str) -> Answer:
    """An error as the service writes it."""
    return Answer(status, json.dumps({"detail": detail, "code": "any"}).encode(), "application/problem+json")


def as_stream(*events: Mapping[str, Any], first: int = 1, before_end: Callable[[], None] = lambda: None) -> Answer:
    """Server-sent events, numbered from `first`; the connection ends after the last one."""
    text = "".join(f"id: {number}\ndata: {json.dumps(event)}\n\n" for number, event in enumerate(events, first))
    return Answer(200, text.encode(), "text/event-stream", before_end=before_end)


@contextmanager
def answering(answers: Mapping[str, Sequence[Answer]]) -> Iterator[tuple[str, list[Asked]]]:
    """The server's URL and what it was asked so far. `answers` are given in turn, the last one again and again, to
    requests such as `GET /v1/models`; the query does not count."""
    asked: list[Asked] = []
    left = {key: list(said) for key, said in answers.items()}

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked.append(Asked(self.command, self.path, headers, self.rfile.read(length)))
            said = left.get(f"{self.command} {self.path.partition('?')[0]}", [as_problem(404, "There is none.")])
            answer = said.pop(0) if len(said) > 1 else said[0]
            self.close_connection = True
            if answer.hang_up:
                return
            self.send_response(answer.status)
            for name, value in {"content-type": answer.content_type, **answer.headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
            answer.before_end()

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 (the standard library's names)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
