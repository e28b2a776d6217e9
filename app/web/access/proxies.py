"""Whom a request really comes from, where proxies that the operator trusts have passed it on; and its path without the
one under which they show the service.
"""

import functools
import ipaddress
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import quote

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PROXIED = "digitserve.proxied"  # of a scope: a trusted proxy has passed it on, so whoever asks is not this machine
BARE = "digitserve.bare"  # of a scope: the root path without the slash that it has to end with
_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_SCHEMES = {b"http": "http", b"https": "https"}
_MOST_HOPS = 32  # of a chain of proxies that are all trusted
_MOST_KNOWN = 4096  # addresses of which is remembered whether they are trusted
_LONGEST = 64  # bytes; an IPv6 address in brackets with a port has 47


class Proxies:
    """The proxies whose word counts, and the path under which they show the service.

    What they say is in `X-Forwarded-For` and `X-Forwarded-Proto`. RFC 7239's `Forwarded` counts nothing: a proxy that
    sets the one passes on what a stranger wrote into the other.
    """

    def __init__(self, trusted: Sequence[Network] = (), root_path: str = "") -> None:
        """`root_path` begins with a slash and ends with none, or is empty."""
        self._trusted = tuple(trusted)
        self._root_path = root_path
        self._raw_root_path = root_path.encode()
        self._below = f"{root_path}/"
        self._does_nothing = not (self._trusted or root_path)
        self._known = functools.lru_cache(_MOST_KNOWN)(self._look_at)  # parsing an address takes microseconds

    def resolve(self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes]) -> None:
        """Puts the client's own address and scheme into the scope, where a trusted proxy names them, and takes the root
        path off its path: whoever looks at the path later sees the same, through whichever proxy it came.
        """
        if self._does_nothing:
            return
        if self._root_path:
            self._take_off(scope)
        peer = scope.get("client")
        if peer is None or not self._trusted or not self._known(peer[0])[1]:
            return
        scope[PROXIED] = True
        said = _said(_FOR, scope, headers)
        if said is not None:
            self._name(scope, said)
        scheme = _said(_PROTO, scope, headers)
        if scheme is not None:
            scope["scheme"] = _SCHEMES.get(scheme.rpartition(b",")[2].strip().lower(), scope.get("scheme", "http"))

    def _name(self, scope: MutableMapping[str, Any], said: bytes) -> None:
        """The client is whom the last trusted proxy of the chain names: each one adds whom it was asked by at the end,
        and what stands before that anybody may have written. Where a proxy names nobody, it is the client itself.
        """
        client = None
        for hop in reversed(said.rsplit(b",", _MOST_HOPS)[-_MOST_HOPS:]):
            address, is_trusted = self._known(hop.strip().decode("latin-1")) if len(hop) <= _LONGEST else ("", False)
            client = address or client
            if not is_trusted:
                break
        if client is not None:
            scope["client"] = client, 0  # its port is nobody's business

    def _look_at(self, text: str) -> tuple[str, bool]:
        """An address as it is always spelled, or nothing where the text is none, and whether a trusted proxy has it."""
        address = _address(text)
        if address is None:
            return "", False
        return str(address), any(address in network for network in self._trusted)

    def _take_off(self, scope: MutableMapping[str, Any]) -> None:
        path: str = scope["path"]
        if path == self._root_path:
            scope["path"], scope["raw_path"] = "/", b"/"
            scope[BARE] = True
        elif path.startswith(self._below):
            scope["path"] = path[len(self._root_path) :]
            raw: bytes = scope.get("raw_path") or b""
            is_plain = raw.startswith(self._raw_root_path)
            scope["raw_path"] = raw[len(self._root_path) :] if is_plain else quote(scope["path"]).encode()


def _said(name: bytes, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bytes | None:
    """What all lines of a header say, in their order (RFC 9110, 5.3); None where there is none."""
    if name not in headers:
        return None
    if len(headers) == len(scope["headers"]):
        return headers[name]
    return b",".join(value for other, value in scope["headers"] if other == name)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """`1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:5678`; an IPv4 address in IPv6 is the
    IPv4 address.
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
