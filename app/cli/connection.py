"""How a command reaches a server: this machine's without a proxy, others as the environment says."""

import ipaddress
import os
import socket

import httpx

from app.cli.refusal import Refusal

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def connection(url: str, seconds: float) -> httpx.Client:
    """A client of the server at `url`, such as `http://127.0.0.1:8000`. Raises Refusal where `url` is none, or where
    the environment names a proxy or certificates that can't be used.
    """
    is_here = _is_here(_host(url))
    try:
        return httpx.Client(base_url=url.rstrip("/"), timeout=seconds, trust_env=not is_here)
    except ImportError:
        raise Refusal(
            f"A SOCKS proxy is named in {_named(_PROXIES)}, and the package socksio, which speaks to one, is missing. "
            "Install it (pip install socksio), or unset the variable.",
            2,
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise Refusal(
            f"The proxy settings in {_named((*_PROXIES, 'no_proxy'))} can't be used. Name a proxy as "
            "http://HOST:PORT or socks5://HOST:PORT and hosts as NAME, or unset the variable.",
            2,
        ) from None
    except OSError:
        raise Refusal(
            f"The certificates in {_named(('ssl_cert_file', 'ssl_cert_dir'))} can't be read. Correct or unset it.", 2
        ) from None


def proxied(url: str) -> str:
    """How the sentence ends that the server at `url` does not answer: whom to look at."""
    if not _is_here(_host(url)) and _set(_PROXIES):
        return f", through the proxy in {_named(_PROXIES)} at least. Name its host in NO_PROXY, or correct the proxy."
    return ". Start the server (digitserve serve), or name it with --url."


def _host(url: str) -> str:
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL:
        found = httpx.URL()
    if found.scheme not in ("http", "https") or not found.host:
        raise Refusal(f"{url} is no URL of a server. Write it as http://127.0.0.1:8000.", 2)
    return found.host


def _is_here(host: str) -> bool:
    """Whether a host is this machine, however it is spelled: no proxy is asked for it."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        try:
            address = ipaddress.ip_address(socket.inet_aton(name))  # 127.1
        except OSError:
            return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def _set(names: tuple[str, ...]) -> list[str]:
    return [name for name in os.environ if name.lower() in names and os.environ[name]]


def _named(names: tuple[str, ...]) -> str:
    """The variables that are set, without their values: a proxy's may hold a password."""
    return " or ".join(_set(names)) or "the system's settings"
