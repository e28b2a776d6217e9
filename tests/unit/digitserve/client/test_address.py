"""Where a server is, and what is shown to it."""

import pytest

from digitserve.client.address import is_here, options, spelled


@pytest.mark.parametrize(
    ("url", "why"),
    [("", "no URL"), ("localhost:8000", "no URL"), ("ftp://x", "no URL"), ("http://", "no URL"),
     ("http://x:port", "no URL"), ("http://x/v1", "Leave out /v1"), ("http://x?a=1", "Leave out"),
     ("http://x/#a", "Leave out")],
)  # fmt: skip
def test_what_is_no_root_of_a_server(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        options(url, None, 1.0)


@pytest.mark.parametrize("key", ["", "secret", "ds_a b", "ds_a\n", "ds_"])
def test_a_key_that_is_none_is_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="is none") as raised:
        options("http://x", key, 1.0)
    assert not key or key not in str(raised.value).replace("begins with ds_", "")


def test_a_key_is_sent_as_a_bearer() -> None:
    assert options("http://x/below", "ds_secret", 1.0)["headers"] == {"Authorization": "Bearer ds_secret"}
    assert options("http://x", None, 1.0)["headers"] == {}


def test_a_connection_is_waited_for_shorter_than_an_answer() -> None:
    long, short = options("http://x", None, 60.0)["timeout"], options("http://x", None, 2.0)["timeout"]
    assert (long.connect, long.read, short.connect, short.read) == (5.0, 60.0, 2.0, 2.0)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.1", "::1", "0.0.0.0"])
def test_this_machine_is_asked_without_a_proxy(host: str) -> None:
    assert is_here(host)
    assert not options(f"http://{f'[{host}]' if ':' in host else host}:80", None, 1.0)["trust_env"]


@pytest.mark.parametrize("host", ["example.org", "10.0.0.1", "localhost.example.org", "2001:db8::1"])
def test_others_are_reached_as_the_environment_says(host: str) -> None:
    assert not is_here(host)
    assert options(f"http://{f'[{host}]' if ':' in host else host}", None, 1.0)["trust_env"]


def test_a_sentence_names_no_password() -> None:
    assert spelled("https://me:secret@example.org/below/") == "https://example.org/below"
