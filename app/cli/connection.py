"""How a command reaches a server: this machine's without a proxy, others as the environment says."""

import os
import re

import httpx

from app.cli.refusal import Refusal
from digitserve.client.address import is_here
from models_store.variables import without_secrets

_PORTS = {"http": 80, "https": 443}
_KEY = re.compile(r"ds_[!-~]+")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def connection(url: str, seconds: float, connect_seconds: float | None = None, key: str = "") -> httpx.Client:
    """A client of the server at `url`, such as `http://127.0.0.1:8000`, that waits so long for each answer, and for a
    connection perhaps less. A `key` goes to this server alone: redirects are not followed. Raises Refusal where `url`
    or `key` is none, or where the environment names a proxy or certificates that can't be used.
    """
    local = is_here(_host(url))
    headers = {"Authorization": f"Bearer {_spelled_key(key, url)}"} if key else {}
    try:
        timeout = httpx.Timeout(seconds, connect=connect_seconds or seconds)
        return httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=timeout, trust_env=not local)
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


def _spelled_key(key: str, url: str) -> str:
    """Raises Refusal, which does not show it."""
    if not _KEY.fullmatch(key):
        raise Refusal("What --key or DIGITSERVE_KEY gives is no key. It begins with ds_ and has no blanks.", 2)
    if httpx.URL(url).userinfo:
        raise Refusal("A key and the user's name in a URL take the same header. Leave one of them out.", 2)
    return key


def proxied(url: str) -> str:
    """How the sentence ends that the server at `url` does not answer: whom to look at."""
    if not is_here(_host(url)) and _set(_PROXIES):
        return f", through the proxy in {_named(_PROXIES)} at least. Name its host in NO_PROXY, or correct the proxy."
    return ". Start the server (digitserve serve), or name it with --url."


def spelled(url: str) -> str:
    """The server's URL as a sentence may name it: without a user's name and password."""
    return str(httpx.URL(url).copy_with(userinfo=b"")).rstrip("/")


def _host(url: str) -> str:
    """Raises Refusal where nobody can be asked at `url`. A path is a proxy's, which hands on what comes below it."""
    try:
        found = httpx.URL(url)
        name, port = found.raw_host.decode("ascii"), _PORTS.get(found.scheme) if found.port is None else found.port
        name.encode("idna")  # as whoever resolves it will: its labels have 1 to 63 letters
        host = found.host
    except (httpx.InvalidURL, UnicodeError):
        raise _no_url(url) from None
    is_name = ":" in name or not set("% *\\").intersection(name)
    if found.scheme not in _PORTS or not host or not is_name or not (port and 0 < port < 2**16):
        raise _no_url(url)
    if found.query or found.fragment or found.path.rstrip("/").endswith("/v1"):
        raise Refusal(f"{spelled(url)} is more than a server's root. Leave out /v1, and what a `?` or `#` begins.", 2)
    return host


def _no_url(url: str) -> Refusal:
    return Refusal(f"{without_secrets(url)} is no URL of a server. Write it as http://127.0.0.1:8000.", 2)


def _set(names: tuple[str, ...]) -> list[str]:
    return [name for name in os.environ if name.lower() in names and os.environ[name]]


def _named(names: tuple[str, ...]) -> str:
    """The variables that are set, without their values: a proxy's may hold a password."""
    return " or ".join(_set(names)) or "the system's settings"
