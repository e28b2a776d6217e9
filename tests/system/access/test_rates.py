"""Rates over all API processes of a real server, with the headers that say what remains."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import EXAMPLES, set_apart
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.system.harness import caller, events, serving, until

PICTURE = (EXAMPLES / "7.png").read_bytes()
HEADERS = {"content-type": "image/png"}
ANOTHER = "127.0.0.2"


@contextmanager
def limited(folder: Path, **rates: object) -> Iterator[tuple[Path, str]]:
    """A server of two processes with rates, as soon as both answer: its log and its address."""
    log = folder / "log"
    with pytest.MonkeyPatch.context() as environment:
        set_apart(environment, folder)
        environment.setenv("DIGITSERVE_JOB_WORKERS", "0")
        for name, value in rates.items():
            environment.setenv(f"DIGITSERVE_RATE_{name.upper()}", str(value))
        with serving(log, "--workers", "2") as (_, url):
            until(log, "ready", count=2)
            yield log, url


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A server that takes three requests at once and eight bytes a second from each of its visitors."""
    with limited(tmp_path_factory.mktemp("bounded"), concurrent=3, bytes=8) as served:
        yield served


def read(url: str) -> httpx.Response:
    """One picture, on a connection of its own: any process may answer."""
    with caller(url) as http:
        return http.post("/v1/predict", content=PICTURE, headers=HEADERS)


def test_a_rate_holds_over_all_processes_and_says_when_to_come_again(tmp_path: Path) -> None:
    with limited(tmp_path, requests=0.001) as (_, url):  # one, and the next after a quarter of an hour
        first, later = read(url), [read(url) for _ in range(12)]
        assert first.status_code == 200
        assert first.headers["ratelimit-policy"] == '"requests";q=1;w=1000'
        assert first.headers["ratelimit"] == '"requests";r=0;t=1000'
        assert {(one.status_code, one.json()["code"]) for one in later} == {(429, "rate_exceeded")}
        for one in later:
            assert 0 < int(one.headers["retry-after"]) <= 1000
            assert one.headers["ratelimit"] == f'"requests";r=0;t={one.headers["retry-after"]}'
            assert one.headers["ratelimit-policy"] == '"requests";q=1;w=1000'
        with caller(url) as http:
            for path in ("/healthz", "/readyz", "/ui/main.js") * 5:
                assert http.get(path).status_code == 200
            assert http.get("/v1/models").status_code == 429


def test_a_body_in_pieces_is_owed_and_the_next_one_is_refused_unread(bounded: tuple[Path, str]) -> None:
    _, url = bounded
    with caller(url) as http:
        pieces = iter([PICTURE])
        assert http.post("/v1/predict", content=pieces, headers=HEADERS).status_code == 200
        refused = read(url)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_bytes")
        assert int(refused.headers["retry-after"]) > len(PICTURE) // 8 - PATIENCE_SECONDS
        with socket.create_connection(_place(url), PATIENCE_SECONDS) as client:
            client.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 429 ")
        assert http.get("/v1/models").status_code == 200  # brings no body


def test_what_is_answered_at_once_is_limited_and_a_killed_process_leaves_nothing_behind(
    bounded: tuple[Path, str],
) -> None:
    log, url = bounded
    with ExitStack() as stack:
        clients = []
        for _ in range(3):
            clients.append(stack.enter_context(_from_another(url)))
            clients[-1].sendall(b"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nx")
        refused = _until(url, 429)
        assert refused.json()["code"] == "too_many_at_once"
        assert refused.headers["ratelimit"] == '"at-once";r=0'
        for count, event in enumerate(events(log, "process_started"), 3):
            os.kill(int(str(event["pid"])), signal.SIGKILL)
            until(log, "process_started", count)  # another in its place
            freed = sum(map(_is_closed, clients))
            if freed:  # else all three were the other one's
                break
        assert _until(url, 200).headers["ratelimit"].startswith(f'"at-once";r={freed - 1}, ')


def _from_another(url: str) -> socket.socket:
    """A connection of a visitor who owes nothing."""
    return socket.create_connection(_place(url), PATIENCE_SECONDS, source_address=(ANOTHER, 0))


def _is_closed(client: socket.socket) -> bool:
    """Whether the server's side has ended, which has sent nothing."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def _until(url: str, status: int) -> httpx.Response:
    """Asks as the other visitor, on a connection of its own each time, until it is answered so."""

    def answered() -> httpx.Response | None:
        transport = httpx.HTTPTransport(verify=False, local_address=ANOTHER)
        try:
            with httpx.Client(base_url=url, transport=transport, trust_env=False, timeout=PATIENCE_SECONDS) as http:
                answer = http.get("/v1/models")
        except httpx.TransportError:  # the process was killed meanwhile
            return None
        return answer if answer.status_code == status else None

    found = wait_until(answered)
    assert found is not None
    return found


def _place(url: str) -> tuple[str, int]:
    found = httpx.URL(url)
    assert found.port
    return found.host, found.port
