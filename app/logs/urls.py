"""How a server's address is spelled, and where it is reached from this machine."""

_FROM_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 (nothing listens here)


def from_here(host: str) -> str:
    """The host at which a client on this machine reaches a server that listens on `host`, which may mean all."""
    return _FROM_HERE.get(host, host)


def url_of(host: str, port: int) -> str:
    """The address as a URL; an IPv6 address stands in brackets (RFC 3986, section 3.2.2)."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
