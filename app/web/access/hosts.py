"""Under which names the service may be asked. A page can have its own name lead to this machine; to a browser that page
and the service are then one origin, and nothing but the Host header tells them apart.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.errors import BadRequest
from app.web.access.loopback import is_loopback

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 9112, 3.2: a name, an IPv4 address or an IPv6 address in brackets, and perhaps a port
_HOST = re.compile(
    r"(?:\[(?P<v6>[0-9a-f:.]{2,45})(?:%[0-9a-z%._~-]{1,40})?\]|(?P<name>[0-9a-z_-]+(?:\.[0-9a-z_-]+)*\.?))"
    r"(?::(?P<port>[0-9]{0,5}))?"
)
# Nobody outside the network owns a name without a dot, or one below these (RFC 6761; ICANN's board, 2024; Kubernetes),
# so that no page of somebody else's can have it. For `.local` any neighbour in the network can answer (RFC 6762).
_PRIVATE = (".localhost", ".internal", ".svc.cluster.local")
_ANY = "*"
_WEB_PORTS = ("80", "443")  # browsers leave them out
_OPEN = ("/healthz", "/readyz")  # whoever watches the service knows an address, and they tell nothing
_BY_ADDRESS = ("/metrics",)  # likewise, but it tells something: no page has an address as its name that is not its own
_MOST_KNOWN = 256  # headers: there are endless good ones
_LONGEST = 300  # bytes; a name has at most 254 (RFC 1035, 2.3.4)

_ONE = "Send one Host header, with the address that you ask."


class Hosts:
    """The names that a Host header may have."""

    def __init__(self, allowed: Sequence[str] = (), own: str = "") -> None:
        """`allowed` as `app.settings.environment.is_host` takes them; none: any address and private name. What means
        this machine (`localhost`, 127.0.0.1, ::1) is always taken, and `own`, where the server listens.
        """
        self._allowed = frozenset(_parts(one.lower()) for one in allowed)
        self._own = _parts(f"[{own}]" if ":" in own else own.lower())[0]
        self._known: set[bytes] = set()

    def check(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> None:
        """Raises BadRequest (`bad_host`)."""
        if len(headers) < len(scope["headers"]) and sum(name == b"host" for name, _ in scope["headers"]) > 1:
            raise BadRequest("bad_host", f"The request names two hosts. {_ONE}")
        host = headers.get(b"host")
        if host in self._known or scope["path"] in _OPEN:
            return
        if host is None:
            raise BadRequest("bad_host", f"The request names no host. {_ONE}")
        heard = _heard(host)
        if heard is None:
            raise BadRequest("bad_host", f"The Host header holds no name and no address. {_ONE}")
        if not self._takes(*heard):
            if scope["path"] in _BY_ADDRESS and _address(heard[0]) is not None:
                return
            raise BadRequest(
                "bad_host",
                "This service is not known by that name. Ask it by its address, or have the operator add the name to "
                "DIGITSERVE_ALLOWED_HOSTS.",
            )
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.add(host)

    def _takes(self, name: str, port: str) -> bool:
        address = _address(name)
        if name in ("localhost", self._own) or is_loopback(name):
            return True
        if self._allowed:
            ports = ("", port) if port else ("", *_WEB_PORTS)
            return any((one, given) in self._allowed for one in _patterns(name, address) for given in ports)
        return address is not None or "." not in name or name.endswith(_PRIVATE)


def _heard(host: bytes) -> tuple[str, str] | None:
    """The name or address and the port of a Host header, where it has them."""
    text = host.decode("latin-1").lower()
    found = _HOST.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or int(found["port"] or 0) > 65_535:
        return None
    name, port = _parts(text)
    return None if found["v6"] and (":" not in name or _address(name) is None) else (name, port)


def _parts(host: str) -> tuple[str, str]:
    """The name or address, spelled as all that mean the same are, and the port, which may be empty."""
    name, _, port = host.rpartition(":") if ":" in host and not host.endswith("]") else (host, "", "")
    if name.startswith("["):
        name = name.strip("[]").partition("%")[0]
        return str(_address(name) or name), port
    return name.removesuffix("."), port.lstrip("0")


def _address(name: str) -> Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _patterns(name: str, address: Address | None) -> Iterator[str]:
    """What an entry that takes the name may look like."""
    yield from (_ANY, name)
    while address is None and "." in name:
        name = name.partition(".")[2]
        yield f"*.{name}"
