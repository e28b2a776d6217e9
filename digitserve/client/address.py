"""Where a server is, and how it is reached: this machine's without a proxy, others as the environment says."""

import ipaddress
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO, TypedDict

import httpx

from digitserve.client.steps import Ask

_KEY = re.compile(r"ds_[!-~]+")
_CONNECT_SECONDS = 5.0
_SILENCE_SECONDS = 45.0  # a stream that says nothing for so long, not even that it lives, is opened again


class Options(TypedDict):
    """What both of httpx's clients take."""

    base_url: str
    headers: dict[str, str]
    timeout: httpx.Timeout
    trust_env: bool


def options(base_url: str, key: str | None, timeout: float) -> Options:
    """How to reach a server's root, such as `http://127.0.0.1:8000`. Raises ValueError, which does not show the key."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("base_url is no URL of a server. Write it as http://127.0.0.1:8000.")
    if url.query or url.fragment or url.path.rstrip("/").endswith("/v1"):
        raise ValueError("base_url is more than a server's root. Leave out /v1, and what a ? or # begins.")
    if key is not None and not _KEY.fullmatch(key):
        raise ValueError("What is given as key is none: one begins with ds_ and has no blanks.")
    return {
        "base_url": base_url.rstrip("/"),
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "timeout": httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
        "trust_env": not is_here(url.host),
    }


def spelled(base_url: str) -> str:
    """The server's URL as a sentence may name it: without a user's name and password."""
    return str(httpx.URL(base_url).copy_with(userinfo=b"")).rstrip("/")


def is_here(host: str) -> bool:
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


@contextmanager
def request(http: httpx.Client | httpx.AsyncClient, ask: Ask) -> Iterator[httpx.Request]:
    """What is sent for `ask`; files are open inside the block."""
    facts: dict[str, Any] = {}
    with ExitStack() as opened:
        if ask.files:
            facts["data"] = dict(ask.form)
            facts["files"] = [
                (upload.field, (upload.name, _open(upload.content, opened), "application/octet-stream"))
                for upload in ask.files
            ]
        elif ask.json is not None:
            facts["json"] = dict(ask.json)
        elif ask.content is not None:
            facts["content"] = ask.content
        if ask.streams:
            whole = http.timeout
            facts["timeout"] = httpx.Timeout(whole.read, connect=whole.connect, read=_SILENCE_SECONDS)
        yield http.build_request(
            ask.method, ask.path, params=dict(ask.query) or None, headers=dict(ask.headers), **facts
        )


def _open(content: Any, opened: ExitStack) -> bytes | BinaryIO:
    if isinstance(content, bytes):
        return content
    file: BinaryIO = opened.enter_context(content.open("rb"))
    return file
