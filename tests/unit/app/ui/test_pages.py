"""The pages for people: all that they load lies on this server, under rules that a browser enforces."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.ui import pages
from app.ui.pages import policy

PAGES = ("/", "/review", "/held", "/shadow", "/docs", "/redoc")


@pytest.fixture
def app() -> FastAPI:
    service = FastAPI(docs_url=None, redoc_url=None)
    pages.install(service)
    return service


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


def rules(answer: httpx.Response) -> dict[str, str]:
    """Of a Content-Security-Policy (W3C CSP 3): directive -> sources."""
    directives = answer.headers["content-security-policy"].split("; ")
    return {name: sources for name, _, sources in (one.partition(" ") for one in directives)}


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_html_that_a_browser_asks_for_each_time(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")
    assert answer.headers["cache-control"] == "no-cache"
    again = await http.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await http.post(path)).status_code == 405


@pytest.mark.parametrize("path", PAGES)
async def test_no_script_runs_that_is_not_a_file_of_ours(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    said = rules(answer)
    assert (said["default-src"], said["script-src"]) == ("'none'", "'self'")
    for directive in ("base-uri", "form-action", "frame-ancestors"):
        assert said[directive] == "'none'"
    assert ("'unsafe-inline'" in said["style-src"]) == (path == "/redoc")  # which writes its styles while it draws
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|javascript:", answer.text)
    if path != "/redoc":
        assert "<style" not in answer.text and " style=" not in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_everything_that_a_page_loads_is_there_and_named_relatively(http: httpx.AsyncClient, path: str) -> None:
    text = (await http.get(path)).text
    loaded = re.findall(r'<(?:script|img|link)\b[^>]*\b(?:src|href)="([^"]+)"', text)
    linked = re.findall(r'<a\b[^>]*\bhref="([^"#]+)"', text)
    assert len(loaded) >= 3 and linked
    for url in {*loaded, *linked}:
        assert not re.match(r"[a-z]+:|/", url), url
    for url in loaded:
        answer = await http.get(url)
        assert answer.status_code == 200, url
        assert answer.content


@pytest.mark.parametrize(
    "path", ["/ui/pages.py", "/ui/../pages.py", "/ui/%2e%2e/pages.py", "/ui/..%2f..%2fmain.py", "/ui/", "/index.html"]
)
async def test_nothing_else_of_the_server_is_shown(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


def test_a_policy_is_spelled_as_csp_asks() -> None:
    assert policy({"default-src": "'none'", "img-src": "'self' data:"}) == "default-src 'none'; img-src 'self' data:"


def test_pages_are_no_part_of_the_api(app: FastAPI) -> None:
    assert app.openapi()["paths"] == {}
