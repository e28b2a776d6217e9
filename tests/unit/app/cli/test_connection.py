"""Which way a command takes to a server, and what it says where the environment names none."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.cli.client import Client
from app.cli.connection import connection, proxied, spelled
from app.cli.refusal import Refusal
from tests.support.answering import Answer, answering, as_json, as_problem

ELSEWHERE = "http://digits.invalid:8000"
KEY = "ds_0123456789abcdef_" + "5e" * 32
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


@pytest.mark.parametrize(
    "url",
    [
        "", "digits", "ftp://a", "http://", "http://a:b", "http://a..b:80", "http://.a", f"http://{'a' * 64}.de",
        f"http://{'ä' * 64}", "http://xn--.de", "http://a:0", "http://a:-1", "http://a:65536", "http://a b", "http://%zz",
        "http://*", "http://a:9\\x", "http://\x1b[2J", "http://me:geheim@a..b", "http://[::1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(Refusal, match="is no URL") as refused:
        Client(url)
    assert refused.value.exit_code == 2
    assert str(refused.value).isprintable() and "geheim" not in str(refused.value)


@pytest.mark.parametrize("rest", ["/v1", "/v1/", "/pre/v1", "?a=1", "/?a=1", "#x"])
def test_an_address_below_the_root_is_refused(rest: str) -> None:
    with pytest.raises(Refusal, match="more than a server's root") as refused:
        Client(f"http://me:geheim@digits.invalid{rest}")
    assert refused.value.exit_code == 2 and "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://a_b:9", "http://ä.invalid", "http://a.b.:9", "http://[fe80::1%25eth0]:9", "http://a:"]
)
def test_what_a_host_may_be_called(url: str) -> None:
    connection(url, 1).close()


def test_a_proxy_before_the_server_may_hand_on_what_comes_below_a_path_and_ask_for_a_password() -> None:
    with answering({"GET /pre/v1/fine_tuning/jobs/a": [as_json({"id": "a"})]}) as (url, _):
        root = url.replace("http://", "http://me:geheim@") + "/pre/"
        with Client(root) as client:
            assert client.job("a") == {"id": "a"}
    assert spelled(root) == f"{url}/pre"


def test_the_command_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://h:1")
    command = [sys.executable, "-m", "app", "jobs", "list", "--url", ELSEWHERE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r"digitserve: A SOCKS proxy is named in ALL_PROXY, .*\.\n", done.stderr)


def test_a_key_is_sent_in_the_header_and_to_no_other_server() -> None:
    with answering({}) as (elsewhere, asked_there):
        away = Answer(307, headers={"location": f"{elsewhere}/v1/fine_tuning/jobs/a"})
        with (
            answering({"GET /v1/fine_tuning/jobs/a": [away]}) as (url, asked),
            Client(url, key=KEY) as client,
            pytest.raises(Refusal) as refused,
        ):
            client.job("a")
    assert [one.headers["authorization"] for one in asked] == [f"Bearer {KEY}"]
    assert asked_there == []
    assert KEY not in str(refused.value)


def test_without_a_key_nothing_is_shown() -> None:
    with answering({"GET /v1/fine_tuning/jobs/a": [as_json({"id": "a"})]}) as (url, asked), Client(url) as client:
        client.job("a")
    assert "authorization" not in asked[0].headers


@pytest.mark.parametrize("key", ["geheim", "Bearer ds_geheim", "ds_geheim\r\nX: y", "ds_geheim ", "ds_gehéim", "ds_"])
def test_what_is_no_key_is_not_sent_and_not_shown(key: str) -> None:
    with pytest.raises(Refusal, match="begins with ds_") as refused:
        Client("http://127.0.0.1:9", key=key)
    assert refused.value.exit_code == 2 and "geh" not in str(refused.value)


def test_a_key_and_a_name_in_the_url_would_take_one_header() -> None:
    with pytest.raises(Refusal, match="same header") as refused:
        Client("http://me:geheim@127.0.0.1:9", key=KEY)
    assert "geheim" not in str(refused.value) and KEY not in str(refused.value)


@pytest.mark.parametrize("typed", [True, False])
def test_the_command_takes_a_key_and_repeats_it_nowhere(typed: bool) -> None:
    refusal = as_problem(403, "This key does not allow `train`.")
    with answering({"GET /v1/fine_tuning/jobs": [refusal]}) as (url, asked):
        command = [sys.executable, "-m", "app", "jobs", "list", "--url", url, *(["--key", KEY] if typed else [])]
        environment = {**os.environ, "DIGITSERVE_KEY": "" if typed else KEY}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (2, "digitserve: This key does not allow `train`.\n")
    assert [one.headers["authorization"] for one in asked] == [f"Bearer {KEY}"]
    assert KEY not in done.stdout


def test_the_help_says_who_sees_what_is_typed() -> None:
    command = [sys.executable, "-m", "app", "jobs", "list", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "DIGITSERVE_KEY" in said and "others on this machine" in " ".join(said.split())
