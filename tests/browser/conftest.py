"""A real Chromium that reaches this machine only, and a real server in a process of its own."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.system.harness import serving

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass
class Visit:
    """An open page, and everything on it that should not have happened."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.wrong.append(f"threw {error}"))
        self.page.on("requestfailed", lambda request: self.wrong.append(f"did not load {request.url}"))
        self.page.on("console", self._console)
        self.page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":  # a status of 400 and above is one too
            self.wrong.append(f"complained: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:http://127.0.0.1:")):
            self.wrong.append(f"asked {request.url}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on a store of its own."""
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("DIGITSERVE_")]:
            environment.delenv(name)
        environment.setenv("DIGITSERVE_STORE_DIR", str(folder / "store"))
        with serving(folder / "log") as (_, url):
            yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, or a skip that says what to install; in continuous integration it must be there."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("there is no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=[_ONLY_HERE])
        yield running
        running.close()


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Callable[[str], Visit]]:
    """Opens a path of the server in a browser that has seen nothing yet."""
    context = browser.new_context(base_url=server)

    def opened(path: str) -> Visit:
        visit = Visit(context.new_page())
        visit.page.goto(path)
        return visit

    yield opened
    context.close()
