"""Which way a command takes to a server, and what it says where the environment names none."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.cli.client import Client
from app.cli.connection import connection, proxied
from app.cli.refusal import Refusal
from tests.support.answering import answering, as_json

ELSEWHERE = "http://digits.invalid:8000"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(
    params=[
        "HTTP_PROXY=http://127.0.0.1:9", "ALL_PROXY=socks5://127.0.0.1:9", "ALL_PROXY=socks://h:1", "HTTP_PROXY=ftp://h:1",
        "HTTP_PROXY=http://[::1", "NO_PROXY=[::1", "SSL_CERT_FILE=/nope",
    ]
)  # fmt: skip
def variable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One that leads nowhere or can't be used."""
    name, _, value = str(request.param).partition("=")
    monkeypatch.setenv(name, value)
    if not name.startswith("SSL"):
        monkeypatch.setenv(name.lower(), value)
    yield name


def test_this_machine_is_reached_whatever_the_environment_says(variable: str) -> None:
    with answering({"GET /v1/fine_tuning/jobs/a": [as_json({"id": "a"})]}) as (url, _):
        for host in ("127.0.0.1", "LocalHost", "127.1", "0.0.0.0", "[::ffff:127.0.0.1]"):
            with Client(url.replace("127.0.0.1", host)) as client:
                assert client.job("a") == {"id": "a"}


@pytest.mark.parametrize("host", ["[::1]", "[::]", "localhost.", "a.localhost", "127.9.9.9"])
def test_no_other_spelling_of_it_asks_a_proxy(host: str, variable: str) -> None:
    connection(f"http://{host}:8000", 1).close()


@pytest.mark.parametrize("host", ["digits.invalid", "192.168.0.9", "[2001:db8::1]", "localhost.example"])
def test_other_machines_are_reached_as_the_environment_says(host: str, variable: str) -> None:
    if variable == "HTTP_PROXY" and os.environ[variable] == "http://127.0.0.1:9":
        connection(f"http://{host}:8000", 1).close()
        return
    with pytest.raises(Refusal, match=r"\.$") as caught:
        connection(f"http://{host}:8000", 1)
    assert caught.value.exit_code == 2
    assert variable in str(caught.value) and os.environ[variable] not in str(caught.value)


def test_of_a_socks_proxy_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://user:secret@h:1")
    with pytest.raises(Refusal, match=r"socksio.*pip install socksio") as caught:
        connection(ELSEWHERE, 1)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["::1", "localhost,::1", "127.0.0.1, ::1,.example.com", "*"])
def test_hosts_without_a_proxy_may_be_addresses(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", value)
    connection(ELSEWHERE, 1).close()


@pytest.mark.parametrize("value", ["nonsense", "localhost:3128", "127.0.0.1:9"])
def test_a_proxy_may_be_named_without_its_scheme(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", value)
    connection("https://digits.invalid", 1).close()


def test_where_nobody_answers_the_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        proxied(ELSEWHERE)
        == proxied("http://127.0.0.1:9")
        == (". Start the server (digitserve serve), or name it with --url.")
    )
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:9")
    assert "HTTP_PROXY" in proxied(ELSEWHERE) and "secret" not in proxied(ELSEWHERE)
    assert "HTTP_PROXY" not in proxied("http://127.0.0.1:9")


@pytest.mark.parametrize("url", ["", "digits", "ftp://a", "http://", "http://a:b"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(Refusal, match="is no URL") as refused:
        Client(url)
    assert refused.value.exit_code == 2


def test_the_command_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://h:1")
    command = [sys.executable, "-m", "app", "jobs", "list", "--url", ELSEWHERE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r"digitserve: A SOCKS proxy is named in ALL_PROXY, .*\.\n", done.stderr)
