"""Whom a request comes from: a key's holder or, without one, an address. Who share either share what one may have."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.storage.audit.acting import LOCAL, Actor
from app.web.access.scopes import allows

VISITOR = "digitserve.visitor"  # of a scope: the Visitor whom the door let in
_NOBODY = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whom the door let in."""

    client: str  # what counts as one client: `key:ID`, or the network of an address
    key: str | None = None  # the id of the key that was shown
    is_local: bool = False  # came from this machine itself, through no proxy
    scopes: frozenset[str] | None = None  # of the key; None: who comes in without one may do everything

    def may(self, scope: str) -> bool:
        """Whether that may be done which needs the scope."""
        return self.scopes is None or allows(self.scopes, scope)


def actor_of(scope: Mapping[str, Any], request_id: str) -> Actor:
    """The same one, as the audit log knows whoever acts."""
    visitor = visitor_of(scope)
    if visitor.key is not None:
        return Actor(f"key:{visitor.key}", request_id=request_id)
    return Actor(LOCAL if visitor.is_local else "", None if visitor.is_local else visitor.client, request_id)


def visitor_of(scope: Mapping[str, Any]) -> Visitor:
    """The one whom the door let in; of a scope that came through none, an address."""
    visitor = scope.get(VISITOR)
    return visitor if isinstance(visitor, Visitor) else Visitor(address_of(scope))


def client_of(scope: Mapping[str, Any]) -> str:
    """What counts as one client: a key or, where none is shown, an address."""
    return visitor_of(scope).client


def address_of(scope: Mapping[str, Any]) -> str:
    """The network that a request comes from, as far as trusted proxies tell (app.web.access.proxies)."""
    client = scope.get("client")
    return network(str(client[0])) if client else _NOBODY


def network(address: str) -> str:
    """What counts as one client of an address; of IPv6 the first 64 bits, which a single customer gets."""
    if ":" not in address:
        return address
    try:
        whole = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(whole.ipv4_mapped or ipaddress.IPv6Address(int(whole) >> 64 << 64))
