"""What a setting takes, in words, and which databases can be used."""

from typing import Literal

import pytest
from pydantic import Field

from app.settings.environment import (
    Environment,
    between_commas,
    is_database,
    is_host,
    is_origin,
    is_receiver,
    networks,
    root_path,
    taken,
    variable,
)


class Some(Environment):
    """A setting of each kind."""

    some_words: Literal["one", "two", "three"] = "one"
    some_number: int = Field(1, ge=0, le=9)
    some_share: float = Field(1, ge=0)
    some_choice: bool = False


@pytest.mark.parametrize(
    "name, words",
    [
        ("some_words", "one, two or three"),
        ("some_number", "a whole number from 0 to 9"),
        ("some_share", "a number of at least 0"),
        ("some_choice", "true or false"),
    ],
)
def test_what_each_kind_takes(name: str, words: str) -> None:
    assert taken(Some.model_fields[name]) == words


def test_a_child_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Some(some_words="two", some_number=3).variables()
    assert told["DIGITSERVE_SOME_NUMBER"] == "3"
    for name, text in told.items():
        monkeypatch.setenv(name, text)
    assert Some() == Some(some_words="two", some_number=3)


def test_what_is_empty_or_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable("some_number"), "")
    monkeypatch.setenv(variable("some_words"), ' "TWO" ')
    assert Some() == Some(some_words="two")


@pytest.mark.parametrize("url, usable", [("sqlite:////a/b.db", True), ("sqlite://", False), ("mysql://h/n", False)])
def test_databases(url: str, usable: bool) -> None:
    assert is_database(url) is usable


HOSTS = [
    "localhost", "digits.example.org", "*.example.org", "*", "*:8000", "a_b", "Digits.Example.org.:8443", "10.0.0.5:80",
    "[::1]", "[2001:db8::1]:8000",
]  # fmt: skip
NO_HOSTS = [
    "http://x/", "https://example.org", "example.org/digits", "example.org:", "example.org:http", "example.org:65536",
    "user@example.org", "a b", "a..b", ".example.org", "*example.org", "a.*.org", "**", "::1", "[::1", "[::g]",
    "[1.2.3.4]", "b\u00fccher.example", "-a", "a?", "10.0.0.0/8",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTS)
def test_hosts(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize("text", NO_HOSTS)
def test_what_is_no_host(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize(
    "text",
    ["https://example.org", "http://localhost:3000", "HTTPS://Example.org:443", "http://[::1]:8000", "app://x",
     "capacitor://localhost", "chrome-extension://abcdefgh"],
)  # fmt: skip
def test_origins(text: str) -> None:
    assert is_origin(text)


@pytest.mark.parametrize(
    "text",
    ["http://x/", "https://example.org/page", "https://*.example.org", "*", "null", "example.org", "file://", "http://",
     "http://user@x", "http://x:", "http://x:99999", "http://x?y", "http://x#y", "http:x", "//x", "http://[::g]",
     "http://a b", "https://b\u00fccher.example"],
)  # fmt: skip
def test_what_is_no_origin(text: str) -> None:
    assert not is_origin(text)


def test_what_stands_between_commas() -> None:
    assert between_commas(" a, b ,,c,") == ["a", "b", "c"]
    assert between_commas("") == between_commas(" , ") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []), (" , ", []), ("10.0.0.5", ["10.0.0.5/32"]), ("10.0.0.5/8", ["10.0.0.0/8"]),
        ("127.0.0.1, fd00::/8,::1", ["127.0.0.1/32", "fd00::/8", "::1/128"]),
    ],
)  # fmt: skip
def test_networks(text: str, found: list[str]) -> None:
    assert list(map(str, networks(text))) == found


@pytest.mark.parametrize(
    "text", ["*", "localhost", "proxy.example.org", "unix:", "0.0.0.0/0", "::/0", "10.0.0.5;::1", "[::1]", "1.2.3.4:80"]
)
def test_what_is_no_network_of_proxies(text: str) -> None:
    with pytest.raises(ValueError):
        networks(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ""), ("/", ""), ("/digits", "/digits"), ("digits", "/digits"), ("/digits/", "/digits"),
        ("//digits//", "/digits"), ("/tools/v1", "/tools/v1"), ("/v10", "/v10"), ("/a-b_c.d~e", "/a-b_c.d~e"),
    ],
)  # fmt: skip
def test_root_paths(text: str, path: str) -> None:
    assert root_path(text) == path


@pytest.mark.parametrize(
    "text",
    ["/v1", "/v1/x", "docs", "/ui/", "/healthz", "/a//b", "/..", "/a/..", "/.a", "/a?b", "/a#b", "/a b", "/a%20b",
     "/a\\b", "/a\nb", "/a;b", "http://x/a", "/\u00e4", "/" + 64 * "a", "/{a}", "/*"],
)  # fmt: skip
def test_what_is_no_root_path(text: str) -> None:
    with pytest.raises(ValueError):
        root_path(text)


@pytest.mark.parametrize(
    "text",
    ["http://127.0.0.1:4318/v1/traces", "https://me:secret@collector.example.org/x", "http://[::1]:4318/v1/traces"],
)
def test_what_takes_spans(text: str) -> None:
    assert is_receiver(text)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:4318",
        "grpc://127.0.0.1:4317",
        "http://",
        "http://host:99999/",
        "http://host:0/",
        "http://[::1/",
        "http://host/\n",
    ],
)
def test_what_takes_none(text: str) -> None:
    assert not is_receiver(text)
