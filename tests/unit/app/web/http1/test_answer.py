"""The bytes of an answer, as a client of the standard library reads them."""

import http.client
import io
import json
import socket
from typing import cast

from app.web.access.headers import SAFE
from app.web.http1.answer import spelled
from app.web.problems import Problem

BUSY = Problem(503, "too_busy", "Later.")


class _Socket:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, _: str) -> io.BytesIO:
        return io.BytesIO(self.data)


def read(data: bytes, method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
    answer = http.client.HTTPResponse(cast(socket.socket, _Socket(data)), method=method)
    answer.begin()
    return answer, answer.read()


def test_a_client_reads_it() -> None:
    answer, body = read(spelled(BUSY, "req_1"))
    told = json.loads(body)
    assert (answer.status, answer.reason, told["code"]) == (503, "Service Unavailable", "too_busy")
    assert answer.headers["x-request-id"] == told["request_id"] == "req_1"
    assert answer.headers["connection"] == "close" and int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"
    for name, value in SAFE:
        assert answer.headers.get_all(name.decode()) == [value.decode()]


def test_only_who_may_come_again_is_told_when() -> None:
    answer, _ = read(spelled(Problem(431, "headers_too_large", "Fewer."), "req_1"))
    assert (answer.status, answer.reason) == (431, "Request Header Fields Too Large")
    assert "retry-after" not in answer.headers


def test_the_head_alone_tells_the_length_of_the_body() -> None:
    answer, body = read(spelled(BUSY, "req_1", with_body=False), "HEAD")
    assert int(answer.headers["content-length"]) > 0 and body == b""
