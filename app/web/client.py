"""Who a client is, as far as the network tells: those who share an address share what one client may have."""

import ipaddress
from collections.abc import Mapping
from typing import Any

_NOBODY = ""


def client_of(scope: Mapping[str, Any]) -> str:
    """The address; of IPv6 the first 64 bits, which a single customer gets. Behind a proxy on this machine it is the
    one that the proxy names (uvicorn's `proxy_headers`).
    """
    client = scope.get("client")
    return network(str(client[0])) if client else _NOBODY


def network(address: str) -> str:
    """What counts as one client of an address."""
    if ":" not in address:
        return address
    try:
        whole = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(whole.ipv4_mapped or ipaddress.IPv6Address(int(whole) >> 64 << 64))
