"""From which pages a browser may ask: the service's own, and those that the operator names.

A browser says from which page a request comes, and no page can change that: in Origin (RFC 6454, 7), and over HTTPS or
on this machine in Sec-Fetch-Site (W3C, Fetch Metadata). Programs send neither.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import Forbidden

_NOT_FOREIGN = (b"same-origin", b"none")  # the service's own page; a person who typed the address
_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}
_VARY = b"vary", b"Origin"  # what a cache keeps for one page is not for another
# A `*` names all headers where nothing is sent along unasked, as cookies are, and all but Authorization (Fetch, 3.2).
_READABLE = b"access-control-expose-headers", b"*"
_ALLOWED = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-ID, *"),
    (b"access-control-max-age", b"7200"),  # seconds; the longest that Chromium keeps it
)
_PRIVATE_NETWORK = b"access-control-request-private-network"
_MAY_REACH_IT = b"access-control-allow-private-network", b"true"


class Origins:
    """The origins that may ask."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        """`allowed` as `app.settings.environment.is_origin` takes them, beside the service's own."""
        self._allowed = frozenset(_plain(one.lower().encode()) for one in allowed)

    def check(
        self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], answer: list[tuple[bytes, bytes]]
    ) -> bool:
        """Whether the request is a preflight, which needs no more than the headers that are added to `answer`.

        Raises Forbidden (`foreign_origin`).
        """
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if self._allowed and (origin is not None or scope["method"] != "POST"):  # which no cache keeps
            answer.append(_VARY)
        if origin is None:
            if site is None or site in _NOT_FOREIGN or _is_visit(scope, headers):
                return False
        elif sum(name == b"origin" for name, _ in scope["headers"]) > 1:
            pass
        elif origin in self._allowed:
            answer.append((b"access-control-allow-origin", origin))
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                answer.extend(_ALLOWED)
                if _PRIVATE_NETWORK in headers:
                    answer.append(_MAY_REACH_IT)
                return True
            answer.append(_READABLE)
            return False
        elif _is_own(origin, site, scope["scheme"].encode(), headers.get(b"host")):
            return False
        raise Forbidden(
            "foreign_origin",
            "A page of another origin may not ask this service. Ask from its own page or from a program, or have the "
            "operator add the origin to DIGITSERVE_ALLOWED_ORIGINS.",
        )


def _is_visit(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bool:
    """Whether a person follows a link to look at something, in a tab of its own and in no frame."""
    return (
        scope["method"] in ("GET", "HEAD")
        and headers.get(b"sec-fetch-mode") == b"navigate"
        and headers.get(b"sec-fetch-dest") == b"document"
    )


def _is_own(origin: bytes, site: bytes | None, scheme: bytes, host: bytes | None) -> bool:
    """Whether the service's own page asks. Where the browser says that it is the same origin, the scheme is its word: a
    proxy may have taken the request's away.
    """
    said = origin.partition(b"://")[0]
    if host is None or said not in _DEFAULT_PORTS or (said != scheme and site != b"same-origin"):
        return False
    return _plain(origin.lower()) == _plain(b"%b://%b" % (said, host.lower()))


def _plain(origin: bytes) -> bytes:
    """Without the port that its scheme has anyway, as browsers write it (RFC 6454, 6.1)."""
    port = _DEFAULT_PORTS.get(origin.partition(b"://")[0])
    return origin.removesuffix(port) if port else origin
