"""A server of pages elsewhere, what scripts on them do, and what the service has of it."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Page

from tests.browser.conftest import ask
from tests.support.patience import wait_until
from tests.system.harness import events

_ASKS = """async ([url, options, picture]) => {
  const bytes = picture && Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
  const body = bytes && new Blob([bytes], { type: options.type ?? "" });
  try {
    const answer = await fetch(url, body ? { ...options, body } : options);
    const text = await answer.text();
    return [answer.type, answer.status, text, answer.headers.get("x-request-id")];
  } catch (error) {
    return [error.name, 0, "", null];
  }
}"""
LOADS = """([tag, url]) => new Promise((resolve) => {
  const part = document.createElement(tag);
  part.onload = () => resolve("load");
  part.onerror = () => resolve("error");
  part[tag === "object" ? "data" : tag === "link" ? "href" : "src"] = url;
  if (tag === "link") part.rel = "stylesheet";
  document.body.append(part);
})"""
BOXED = """() => new Promise((resolve) => {
  const frame = Object.assign(document.createElement("iframe"), { src: "/", onload: resolve });
  frame.sandbox.add("allow-scripts");
  document.body.append(frame);
})"""
SENDS = """([url, kind, fields]) => {
  const form = Object.assign(document.createElement("form"), { action: url, method: "POST", enctype: kind });
  const inputs = Object.entries(fields).map(([name, value]) => ({ name, value }));
  for (const input of [...inputs, { type: "file", name: "file" }]) {
    form.append(Object.assign(document.createElement("input"), input));
  }
  document.body.replaceChildren(form);
}"""


class Elsewhere(BaseHTTPRequestHandler):
    """A page with nothing on it, at every path."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>Elsewhere</title><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class Places:
    """The service, of which digits@2 serves and digits@1 served before, and the ports of both servers."""

    service: str
    port: int
    other_port: int
    log: Path

    def elsewhere(self, name: str) -> str:
        return f"http://{name}:{self.other_port}"

    def kept(self) -> list[object]:
        """All that a request could have changed."""
        paths = ("models", "files", "feedback", "fine_tuning/jobs", "review")
        return [ask("GET", f"{self.service}/v1/{path}").json() for path in paths]

    @contextmanager
    def answered(self) -> Iterator[list[int]]:
        """The statuses of all that the service was asked within the block; there when it ends."""
        statuses: list[int] = []
        first = self._mark()
        yield statuses
        last = self._mark()
        lines = events(self.log, "request")
        names = [line["request_id"] for line in lines]
        statuses += [int(str(line["status"])) for line in lines[names.index(first) + 1 : names.index(last)]]

    def _mark(self) -> str:
        name = str(ask("GET", f"{self.service}/v1/models").headers["x-request-id"])
        wait_until(lambda: name in self.log.read_text())
        return name


def asked(page: Page | Frame, url: str, picture: bytes | None = None, **options: Any) -> list[Any]:
    """The kind, status, text and request id of what a script on the page gets."""
    body = base64.b64encode(picture).decode() if picture else None
    found: list[Any] = page.evaluate(_ASKS, [url, options, body])
    return found
