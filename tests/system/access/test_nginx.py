"""A real server behind a real nginx with the configuration of `deploy/`, over TLS."""

import re
import socket
import sqlite3
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.web.problems import Problem
from tests.support.patience import PATIENCE_SECONDS
from tests.system.access.behind import JOBS, PICTURE, asking, job, served, upload
from tests.system.access.nginx import Nginx, prepared, proxying
from tests.system.harness import events


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """In front of a server that everybody may ask, and that takes few connections."""
    folder = tmp_path_factory.mktemp("proxied")
    made = prepared(folder / "nginx")
    with served(folder, INSECURE="true", MAX_CONNECTIONS="8") as url, proxying(made, url):
        yield made


def test_who_opens_it_to_everybody_is_warned(nginx: Nginx) -> None:
    (said,) = events(nginx.folder.parent / "log", "insecure")
    assert said["level"] == "warning"


@pytest.fixture(scope="module")
def file(nginx: Nginx, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a data set that was uploaded through the proxy."""
    with asking(nginx) as http:
        answer = http.post(
            "/v1/files",
            files={"file": ("data.zip", upload(tmp_path_factory.mktemp("data")))},
            data={"purpose": "fine-tune"},
        )
    assert answer.status_code in (200, 201), answer.text
    assert answer.json()["bytes"] > 3 * 2**20
    return str(answer.json()["id"])


def test_pages_and_predictions_go_through(nginx: Nginx) -> None:
    with asking(nginx) as http:
        for path in ("/", "/docs", "/redoc", "/review", "/ui/style.css", "/openapi.json", "/v1/models", "/readyz"):
            assert http.get(path).status_code == 200, path
        answer = http.post("/v1/predict", files=PICTURE)
        assert (answer.status_code, answer.json()["label"]) == (200, "7")
        batch = http.post("/v1/predict/batch", files=[("files", ("a.png", PICTURE["file"]))] * 3)
        assert [one["label"] for one in batch.json()["predictions"]] == ["7"] * 3
        assert answer.headers["server"] == "nginx"  # and no release of it


def test_a_page_of_the_proxied_name_may_ask_and_another_may_not(nginx: Nginx) -> None:
    for origin, status in ((nginx.url, 200), ("https://evil.example", 403), ("http://localhost", 403)):
        with asking(nginx, origin=origin) as http:
            assert http.post("/v1/predict", files=PICTURE).status_code == status, origin


def test_who_comes_without_tls_is_sent_on_and_no_host_is_repeated(nginx: Nginx) -> None:
    answer = httpx.get(f"http://127.0.0.1:{nginx.plain}/docs?a=1", headers={"host": "evil.example"}, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "https://localhost/docs?a=1")


@pytest.mark.parametrize(("option", "is_taken"), [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
def test_old_protocols_are_refused(nginx: Nginx, option: str, is_taken: bool) -> None:
    asked = ["openssl", "s_client", "-connect", f"localhost:{nginx.tls}", option, "-cipher", "ALL:@SECLEVEL=0"]
    done = subprocess.run(asked, input=b"", capture_output=True, check=False, timeout=PATIENCE_SECONDS)
    assert (done.returncode == 0) == is_taken, done.stderr.decode()


def test_browsers_are_offered_http_2(nginx: Nginx) -> None:
    offered = nginx.trust
    offered.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", nginx.tls), PATIENCE_SECONDS) as raw,
        offered.wrap_socket(raw, server_hostname="localhost") as taken,
    ):
        assert taken.selected_alpn_protocol() == "h2"


def test_clients_are_told_apart_and_what_they_say_of_themselves_counts_nothing(nginx: Nginx, file: str) -> None:
    said = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9", "x-real-ip": "203.0.113.9"}
    made = {}
    for address, headers in (("127.0.0.2", {}), ("127.0.0.3", {}), ("127.0.0.4", said)):
        with asking(nginx, address, **headers) as http:
            made[job(http, file)["id"]] = address
    with closing(sqlite3.connect(nginx.folder.parent / "state" / "digitserve.db")) as database:
        assert dict(database.execute("SELECT id, client FROM jobs")).items() >= made.items()
    with asking(nginx) as http:
        for name in made:
            assert http.post(f"{JOBS}/{name}/cancel").status_code == 200


def test_an_event_stream_comes_as_it_is_told(nginx: Nginx, file: str) -> None:
    with asking(nginx) as http, asking(nginx) as other:
        name = job(http, file)["id"]
        with http.stream("GET", f"{JOBS}/{name}/events", headers={"accept": "text/event-stream"}) as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("data:"))  # and the job has not ended
            assert other.post(f"{JOBS}/{name}/cancel").status_code == 200
            assert "event: end" in list(lines)


@pytest.fixture
def slow(nginx: Nginx) -> Iterator[list[ssl.SSLSocket]]:
    """Forty clients that have sent half of what they announced, five times as many as the service takes connections."""
    head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost:{nginx.tls}\r\nContent-Type: image/png\r\n"
    body = PICTURE["file"]
    with ExitStack() as until_the_end:
        made = []
        for _ in range(40):
            raw = until_the_end.enter_context(socket.create_connection(("127.0.0.1", nginx.tls), PATIENCE_SECONDS))
            one = until_the_end.enter_context(nginx.trust.wrap_socket(raw, server_hostname="localhost"))
            one.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2])
            made.append(one)
        yield made


def test_slow_clients_hold_up_nginx_alone(nginx: Nginx, slow: list[ssl.SSLSocket]) -> None:
    with asking(nginx) as http:
        for _ in range(20):
            assert http.post("/v1/predict", files=PICTURE).status_code == 200
    body = PICTURE["file"]
    for one in slow[:5]:
        one.sendall(body[len(body) // 2 :])
        assert one.recv(15).startswith(b"HTTP/1.1 200")


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """What nginx itself answers, in the shape that the service would give it."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    said: dict[str, Any] = answer.json()
    assert re.fullmatch("[0-9a-f]{32}", said["request_id"])
    assert {**Problem(status, code, said["detail"]).body(said["request_id"]), "title": said["title"]} == said
    return said


def announced(nginx: Nginx, length: int) -> httpx.Response:
    """The answer to an upload of so many bytes, of which none comes."""
    with closing(HTTPSConnection("localhost", nginx.tls, context=nginx.trust, timeout=PATIENCE_SECONDS)) as connection:
        connection.request("POST", "/v1/files", headers={"Content-Length": str(length)})
        answer = connection.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


def test_what_nginx_refuses_has_the_shape_of_every_error(nginx: Nginx, tmp_path: Path) -> None:
    with asking(nginx) as http:
        assert "64 MiB" in problem(announced(nginx, 65 * 2**20), 413, "payload_too_large")["detail"]
        problem(http.get("/", headers={"x-long": "x" * 9000}), 431, "headers_too_large")
    alone = prepared(tmp_path / "nginx")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    with proxying(alone, nobody), asking(alone) as http:
        answer = http.get("/v1/models")
        problem(answer, 503, "not_ready")
        assert answer.headers["retry-after"] == "5"
