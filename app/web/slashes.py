"""Sends on whom only a slash at the end of an address leads astray, by a link that names no host: a proxy in front may
show the service under another name, scheme or path.
"""

from urllib.parse import quote

from fastapi import FastAPI
from starlette.responses import RedirectResponse
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

_PLAIN = "!$&'()*+,;=:@"  # in a path (RFC 3986, 3.3)


def install(app: FastAPI) -> None:
    """Takes the place of Starlette's own redirects, which repeat the Host header."""
    router = app.router
    router.redirect_slashes = False
    not_found = router.default

    async def default(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        other = path[:-1] if path.endswith("/") else f"{path}/"
        meant = {**scope, "path": other}
        if scope["type"] == "http" and other and any(route.matches(meant)[0] is not Match.NONE for route in app.routes):
            await RedirectResponse(_relative(path, scope["query_string"]))(scope, receive, send)
        else:
            await not_found(scope, receive, send)

    router.default = default


def _relative(path: str, query: bytes) -> str:
    """The way from an address to the same with a slash at its end, or without (RFC 3986, 5.2)."""
    last = quote(path.rstrip("/").rpartition("/")[2], safe=_PLAIN)
    way = f"../{last}" if path.endswith("/") else f"./{last}/"
    return f"{way}?{query.decode('latin-1')}" if query else way
