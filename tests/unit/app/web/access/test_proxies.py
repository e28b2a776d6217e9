"""Whom a request comes from where proxies passed it on, and what its path is where they show the service below one."""

from typing import Any

import pytest

from app.settings.environment import networks
from app.web.access.proxies import BARE, PROXIED, Proxies

PROXY, STRANGER = "10.0.0.5", "203.0.113.7"
TRUSTED = "10.0.0.0/8, 192.0.2.1, fd00::/8"


def resolved(
    *said: tuple[str, str], peer: str | None = PROXY, trusted: str = TRUSTED, root_path: str = "", path: str = "/"
) -> dict[str, Any]:
    """The scope of a request with these headers after the proxies were heard."""
    lines = [(b"host", b"digits.example.org"), *((name.lower().encode(), text.encode()) for name, text in said)]
    scope = {
        "client": (peer, 50_000) if peer else None, "scheme": "http", "headers": lines,
        "path": path, "raw_path": path.encode(),
    }  # fmt: skip
    Proxies(networks(trusted), root_path).resolve(scope, dict(reversed(lines)))
    return scope


def client(*lines: str, peer: str = PROXY, trusted: str = TRUSTED) -> str:
    """The address of whoever asks, where X-Forwarded-For has these lines."""
    found = resolved(*(("X-Forwarded-For", line) for line in lines), peer=peer, trusted=trusted)["client"]
    return str(found[0])


@pytest.mark.parametrize(
    ("lines", "who"),
    [
        ([STRANGER], STRANGER),
        ([f"127.0.0.1, {STRANGER}"], STRANGER),  # what stands before is what the stranger wrote
        ([f"{STRANGER}, 10.1.1.1"], STRANGER),  # through two proxies
        ([f"127.0.0.1,{STRANGER},10.1.1.1,192.0.2.1,fd00::3"], STRANGER),
        (["127.0.0.1", STRANGER], STRANGER),  # a proxy that adds a line of its own
        ([STRANGER, "10.1.1.1"], STRANGER),
        ([f"{STRANGER}, 127.0.0.1"], "127.0.0.1"),  # no trusted proxy: the one before it may be anybody
        (["10.9.9.9, 10.1.1.1"], "10.9.9.9"),  # a proxy itself asks
    ],
)
def test_the_client_is_whom_the_last_trusted_proxy_names(lines: list[str], who: str) -> None:
    assert client(*lines) == who


@pytest.mark.parametrize(
    ("spelled", "who"),
    [
        ("203.0.113.7:5678", STRANGER), ("  203.0.113.7\t", STRANGER), ("::ffff:203.0.113.7", STRANGER),
        ("[::ffff:203.0.113.7]:80", STRANGER), ("2001:DB8:0:0::1", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"), ("::1", "::1"),
    ],
)  # fmt: skip
def test_an_address_has_one_spelling(spelled: str, who: str) -> None:
    assert client(spelled) == who
    assert client(f"1.1.1.1, {spelled}, 10.1.1.1") == who


@pytest.mark.parametrize(
    "junk",
    [
        "", " ", "unknown", "_hidden", "unix:", "localhost", "example.org", "for=1.2.3.4", "1.2.3", "1.2.3.4.5",
        "01.2.3.4", "1.2.3.4/8", "256.1.1.1", "[]", "[", ":", "::::", "0x7f000001", "2130706433", "\u0661.2.3.4",
        "1.2.3.4\x00", "9" * 5000,
    ],
)  # fmt: skip
def test_where_a_proxy_names_nobody_it_is_the_client_itself(junk: str) -> None:
    assert client(junk) == PROXY
    assert client(f"{STRANGER}, {junk}") == PROXY
    assert client(f"{STRANGER}, {junk}, 10.1.1.1") == "10.1.1.1"
    assert client(junk, STRANGER) == STRANGER


@pytest.mark.parametrize("peer", [STRANGER, "127.0.0.1", "::1", "11.0.0.1", "not-an-address"])
def test_from_anybody_else_the_headers_count_nothing(peer: str) -> None:
    said = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=1.1.1.1")]
    scope = resolved(*said, peer=peer)
    assert (scope["client"], scope["scheme"], PROXIED in scope) == ((peer, 50_000), "http", False)


def test_nobody_is_trusted_where_no_proxy_is_named() -> None:
    scope = resolved(("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "https"), peer="127.0.0.1", trusted="")
    assert (scope["client"][0], scope["scheme"], PROXIED in scope) == ("127.0.0.1", "http", False)


def test_a_request_without_an_address_comes_through_no_proxy() -> None:
    scope = resolved(("X-Forwarded-For", "1.1.1.1"), peer=None)
    assert scope["client"] is None and PROXIED not in scope


@pytest.mark.parametrize("peer", ["10.0.0.5", "::ffff:10.0.0.5", "192.0.2.1", "fd00::1", "fd00::1%eth0"])
def test_a_proxy_is_known_in_every_spelling(peer: str) -> None:
    assert client(STRANGER, peer=peer) == STRANGER


def test_what_a_proxy_passed_on_is_marked_even_where_it_names_nobody() -> None:
    scope = resolved(peer="127.0.0.1", trusted="127.0.0.1")
    assert scope[PROXIED] is True and scope["client"] == ("127.0.0.1", 50_000)


@pytest.mark.parametrize(
    "said", [("Forwarded", "for=1.1.1.1;proto=https"), ("X-Real-IP", "1.1.1.1"), ("X-Forwarded-Host", "evil.example")]
)
def test_other_headers_of_proxies_count_nothing(said: tuple[str, str]) -> None:
    scope = resolved(said)
    assert (scope["client"][0], scope["scheme"]) == (PROXY, "http")
    assert scope["headers"][0] == (b"host", b"digits.example.org")


@pytest.mark.parametrize(
    ("lines", "scheme"),
    [
        (["https"], "https"), (["HTTPS "], "https"), (["http"], "http"), (["http, https"], "https"),
        (["http", "https"], "https"), (["https", "http"], "http"), (["wss"], "http"), (["javascript"], "http"),
        ([""], "http"), (["https://x"], "http"), ([], "http"),
    ],
)  # fmt: skip
def test_the_scheme_is_what_the_nearest_proxy_says(lines: list[str], scheme: str) -> None:
    assert resolved(*(("X-Forwarded-Proto", line) for line in lines))["scheme"] == scheme


@pytest.mark.parametrize("hop", ["10.1.1.1", "", "x", "1.1.1.1"])
def test_thousands_of_entries_are_looked_at_no_further_than_a_chain_of_proxies_goes(hop: str) -> None:
    """The client that is named first is farther away than any chain of proxies."""
    assert client(f"{STRANGER}," + ",".join([hop] * 8000)) in (PROXY, "10.1.1.1", "1.1.1.1")
    assert client(*[STRANGER] + [hop] * 90) in (PROXY, "10.1.1.1", "1.1.1.1")


def path(asked: str, root_path: str = "/digits") -> str:
    return str(resolved(path=asked, root_path=root_path)["path"])


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("/digits/v1/models", "/v1/models"), ("/v1/models", "/v1/models"), ("/digits/", "/"), ("/", "/"),
        ("/digitsx/v1", "/digitsx/v1"), ("/digits.x", "/digits.x"), ("/Digits/v1", "/Digits/v1"),
        ("/digits//v1", "//v1"), ("//digits/v1", "//digits/v1"), ("/digits/../v1", "/../v1"),
        ("/digits/digits/v1", "/digits/v1"),  # once, as a proxy does
        ("/v1/digits/v1", "/v1/digits/v1"), ("", ""), ("*", "*"),
    ],
)  # fmt: skip
def test_the_root_path_is_taken_off_once(asked: str, seen: str) -> None:
    assert path(asked) == seen
    assert resolved(path=asked, root_path="/digits", peer=STRANGER)["path"] == seen  # whoever asks


def test_a_root_path_of_several_parts() -> None:
    assert path("/tools/digits/v1", "/tools/digits") == "/v1"
    assert path("/tools/v1", "/tools/digits") == "/tools/v1"


def test_the_root_path_itself_is_the_page_without_its_slash() -> None:
    bare, whole = (resolved(path=asked, root_path="/digits") for asked in ("/digits", "/digits/"))
    assert (bare["path"], whole["path"], BARE in bare, BARE in whole) == ("/", "/", True, False)


@pytest.mark.parametrize(
    ("raw", "seen"),
    [("/digits/v1/models/a%2Fb", "/v1/models/a%2Fb"), ("/%64igits/v1/models/ab", "/v1/models/ab"), ("/ui/x", "/ui/x")],
)
def test_the_path_as_it_was_sent_has_none_either(raw: str, seen: str) -> None:
    plain = "/digits" + seen if "igits" in raw else seen
    scope: dict[str, Any] = {"path": plain.replace("%2F", "/"), "raw_path": raw.encode(), "headers": [], "client": None}
    Proxies(root_path="/digits").resolve(scope, {})
    assert scope["raw_path"] == seen.encode()
