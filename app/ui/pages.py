"""The pages for people: the first one, and the API to try and to read.

Whatever a page loads lies on this server: our own files in `static/`, and Swagger UI and Redoc, which the package
fastapi-offline carries (its code is not used). Every link is relative, so that a path in front does no harm.
"""

from os import PathLike, stat_result
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_HERE = Path(__file__).parent
_BUNDLES = ("fastapi_offline", "static")

_ASKED_FOR_AGAIN = "no-cache"  # keep it, and ask before each use: 304 as long as the ETag holds
_STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
# Redoc writes its styles into the page while it draws it; its scripts stay under the strict rule.
_INLINE_STYLES = {**_STRICT, "style-src": "'self' 'unsafe-inline'"}
_PAGES = {
    "/": ("index.html", _STRICT),
    "/review": ("review.html", _STRICT),
    "/held": ("held.html", _STRICT),
    "/shadow": ("shadow.html", _STRICT),
    "/docs": ("docs.html", _STRICT),
    "/redoc": ("redoc.html", _INLINE_STYLES),
}


class _Files(StaticFiles):
    """Files with their ETag, 304 where it is known already."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = _ASKED_FOR_AGAIN
        return response


def install(app: FastAPI) -> None:
    """Adds the pages and, under /ui, what they load. Make `app` with `docs_url=None, redoc_url=None`."""
    pages = _Files(directory=_HERE)
    for path, (name, rules) in _PAGES.items():
        _add_page(app, pages, path, name, policy(rules))
    app.mount("/ui", _Files(directory=_HERE / "static", packages=[_BUNDLES]), name="ui")


def policy(rules: dict[str, str]) -> str:
    """The value of a Content-Security-Policy header."""
    return "; ".join(f"{directive} {sources}" for directive, sources in rules.items())


def _add_page(app: FastAPI, pages: StaticFiles, path: str, name: str, security: str) -> None:
    async def page(request: Request) -> Response:
        response = await pages.get_response(name, request.scope)
        response.headers["Content-Security-Policy"] = security
        return response

    app.add_route(path, page, include_in_schema=False)
