"""From which pages a browser may ask, and what it is told about it."""

from typing import Any

import pytest

from app.errors import Forbidden
from app.web.access.origins import Origins

PAGE = "https://page.example"
SITES = ["cross-site", "same-site", "Cross-Site", "", "of tomorrow"]
VISIT = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def asked(
    origins: Origins, *more: tuple[bytes, bytes], method: str = "POST", scheme: str = "http", **headers: str | None
) -> tuple[bool, dict[bytes, bytes]] | None:
    """Whether it is a preflight, and the headers of its answer; None where it is refused. Names have `_` for `-`."""
    said = {"host": "localhost:8000"} | {name.replace("_", "-"): value for name, value in headers.items()}
    pairs = [(name.encode(), value.encode()) for name, value in said.items() if value is not None] + list(more)
    scope: dict[str, Any] = {"method": method, "scheme": scheme, "headers": pairs, "path": "/v1/predict"}
    answer: list[tuple[bytes, bytes]] = []
    try:
        preflight = origins.check(scope, dict(reversed(pairs)), answer)
    except Forbidden as refusal:
        assert refusal.code == "foreign_origin" and PAGE not in str(refusal)
        assert not any(name.startswith(b"access-control") for name, _ in answer)
        return None
    return preflight, dict(answer)


NOTHING = (False, dict[bytes, bytes]())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "BREW"])
def test_programs_send_neither(method: str) -> None:
    assert asked(Origins(), method=method) == NOTHING
    assert asked(Origins(), method=method, sec_fetch_site="none") == NOTHING
    assert asked(Origins(), method=method, sec_fetch_site="same-origin") == NOTHING
    assert asked(Origins(), method=method, access_control_request_method="PUT") == NOTHING


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("http", "localhost:8000", "http://localhost:8000"),
        ("http", "LOCALHOST:8000", "http://localhost:8000"),
        ("http", "localhost", "http://localhost:80"),
        ("http", "localhost:80", "http://localhost"),
        ("https", "digits.example:443", "https://digits.example"),
        ("https", "digits.example", "https://digits.example"),
        ("http", "[::1]:8000", "http://[::1]:8000"),
        ("http", "[::1]", "http://[::1]:80"),
    ],
)
def test_the_services_own_page(scheme: str, host: str, origin: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert asked(Origins(), method=method, scheme=scheme, host=host, origin=origin) == NOTHING
        assert asked(Origins(), scheme=scheme, host=host, origin=origin, sec_fetch_site="same-origin") == NOTHING


def test_behind_a_proxy_that_takes_the_scheme_away_the_browsers_word_counts() -> None:
    own = {"host": "digits.example", "origin": "https://digits.example"}
    assert asked(Origins(), **own, sec_fetch_site="same-origin") == NOTHING
    assert asked(Origins(), **own, sec_fetch_site="same-site") is None
    assert asked(Origins(), **own) is None
    assert asked(Origins(), **own | {"host": "upstream"}, sec_fetch_site="same-origin") is None


@pytest.mark.parametrize(
    "origin",
    [
        PAGE, "null", "", "http://localhost", "http://localhost:8001", "https://localhost:8000", "http://127.0.0.1:8000",
        "http://localhost:8000/", "http://user@localhost:8000", "http://localhost:8000.evil.example", "localhost:8000",
        "http://", "://localhost:8000", "file://", "chrome-extension://localhost:8000", "*",
        f"http://localhost:8000 {PAGE}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_any_other_page_is_foreign(method: str, origin: str) -> None:
    for more in ({}, VISIT, {"access_control_request_method": "POST"}, {"sec_fetch_site": "same-origin"}):
        if more.get("sec_fetch_site") and origin == "https://localhost:8000":
            continue  # a browser that calls it its own has come through HTTPS
        assert asked(Origins(), method=method, origin=origin, **more) is None
        assert asked(Origins(["https://other.example"]), method=method, origin=origin, **more) is None


def test_two_origins_are_none() -> None:
    own, page = (b"origin", b"http://localhost:8000"), (b"origin", PAGE.encode())
    assert asked(Origins(), own, own) is None
    assert asked(Origins([PAGE]), page, own) is None


def test_no_host_has_no_page() -> None:
    assert asked(Origins(), host=None, origin="http://") is None
    assert asked(Origins(), host="", origin="http://") is not None  # which `hosts` refuses before


@pytest.mark.parametrize("site", SITES)
def test_a_picture_a_frame_or_a_script_of_another_page_is_foreign(site: str) -> None:
    for dest in ("image", "iframe", "frame", "embed", "object", "script", "audio", "empty", "worker", "style"):
        for mode in ("navigate", "no-cors", "cors"):
            assert asked(Origins(), method="GET", sec_fetch_site=site, sec_fetch_mode=mode, sec_fetch_dest=dest) is None


@pytest.mark.parametrize("site", SITES)
def test_a_link_may_be_followed_but_nothing_changed_by_it(site: str) -> None:
    for method in ("GET", "HEAD"):
        assert asked(Origins(), method=method, sec_fetch_site=site, **VISIT) == NOTHING
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert asked(Origins(), method=method, sec_fetch_site=site, **VISIT) is None


@pytest.mark.parametrize("given", [PAGE, "HTTPS://Page.Example:443"])
def test_an_allowed_page_may_ask_and_read(given: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        found = asked(Origins(["http://b.example", given]), method=method, origin=PAGE, sec_fetch_site="cross-site")
        assert found == (
            False,
            {
                b"vary": b"Origin",
                b"access-control-allow-origin": PAGE.encode(),
                b"access-control-expose-headers": b"*",
            },
        )


def test_an_allowed_page_may_ask_whether_it_may() -> None:
    preflight, answer = asked(
        Origins([PAGE]),
        method="OPTIONS",
        origin=PAGE,
        access_control_request_method="POST",
        sec_fetch_site="cross-site",
    ) or (False, {})
    assert preflight
    assert answer[b"access-control-allow-origin"] == PAGE.encode()
    assert {b"GET", b"POST", b"PUT", b"DELETE"} <= set(answer[b"access-control-allow-methods"].split(b", "))
    wanted = {b"Authorization", b"Content-Type", b"Idempotency-Key", b"Last-Event-ID", b"X-Request-ID"}
    assert wanted <= set(answer[b"access-control-allow-headers"].split(b", "))
    assert int(answer[b"access-control-max-age"]) > 0
    assert b"access-control-allow-credentials" not in answer
    assert b"access-control-allow-private-network" not in answer


def test_a_page_of_the_world_may_reach_this_network_where_it_is_allowed() -> None:
    wish = {"access_control_request_method": "GET", "access_control_request_private_network": "true"}
    found = asked(Origins([PAGE]), method="OPTIONS", origin=PAGE, **wish)
    assert found and found[1][b"access-control-allow-private-network"] == b"true"
    assert asked(Origins([PAGE]), method="OPTIONS", origin="https://other.example", **wish) is None


def test_only_a_preflight_is_one() -> None:
    for method, more in (("OPTIONS", {}), ("POST", {"access_control_request_method": "POST"})):
        found = asked(Origins([PAGE]), method=method, origin=PAGE, **more)
        assert found is not None and not found[0]


def test_what_differs_between_pages_is_kept_apart_by_caches() -> None:
    assert asked(Origins([PAGE]), method="GET") == (False, {b"vary": b"Origin"})
    assert asked(Origins([PAGE]), method="POST") == (False, {})  # no cache keeps its answer
    assert asked(Origins([PAGE]), origin="http://localhost:8000") == (False, {b"vary": b"Origin"})


@pytest.mark.parametrize(
    "origin", ["http://page.example", "https://page.example:444", "https://a.page.example", "null"]
)
def test_what_is_nearly_allowed_is_foreign(origin: str) -> None:
    assert asked(Origins([PAGE]), origin=origin) is None
