"""A real Chromium that reaches this machine only, and a real server in a process of its own."""

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from models_store.refs import Ref
from models_store.shipped_version import open_store
from tests.conftest import republished, set_apart
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.pictures import png
from tests.support.programs import missing
from tests.system.harness import serving

REVIEW = "/v1/review"
DOUBTFUL = "digits@2"  # as the champion, digits@1, but uncertain of everything
_NAMES = ("chromium", "chromium-browser", "google-chrome")
EVIL, FRIEND, PLAIN = "evil.example", "friend.example", "digits.internal"  # other names of this machine
_HERE = ", ".join(f"MAP {name} 127.0.0.1" for name in (EVIL, FRIEND, PLAIN))
_ONLY_HERE = f"--host-resolver-rules={_HERE}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


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


Open = Callable[[str], Visit]
SEVEN = ((0.3, 0.25), (0.7, 0.25), (0.56, 0.5), (0.45, 0.8))


def draw(page: Page, stroke: tuple[tuple[float, float], ...]) -> None:
    """Moves the mouse over the pad; the points are in sides of it."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=10)
    page.mouse.up()


def ask(method: str, url: str, **details: Any) -> httpx.Response:
    """One request, whose answer may take as long as the machine needs."""
    return httpx.request(method, url, timeout=PATIENCE_SECONDS, trust_env=False, **details)


def waiting(server: str) -> list[str]:
    """The ids of the pictures that wait for review, in the order of the page."""
    return [one["id"] for one in ask("GET", f"{server}{REVIEW}", params={"limit": 100}).json()["data"]]


def wait(server: str, count: int) -> None:
    """Returns when so many wait: they are kept after they are answered."""
    wait_until(lambda: len(waiting(server)) == count, progress=lambda: waiting(server))


@dataclass(frozen=True)
class Home:
    """A server, and the folder of its store and its state."""

    url: str
    folder: Path


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A server on a store of its own, which keeps what DOUBTFUL reads; 20 corrections start a job."""
    folder = tmp_path_factory.mktemp("home")
    registry = open_store(folder / "store")
    known = registry.resolve(Ref("digits")).manifest.calibration
    assert republished(registry, calibration=dataclasses.replace(known, threshold=1.01)).ref == DOUBTFUL
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:
            set_apart(environment, folder)
            settings = {"KEEP_UNCERTAIN": 1, "FEEDBACK_JOB_AFTER": 20, "JOB_WORKERS": 0, "WORKERS": 1}
            for name, value in settings.items():
                environment.setenv(f"DIGITSERVE_{name}", str(value))
            _, url = stack.enter_context(serving(folder / "log"))
        _warm(url)
        yield Home(url, folder)


@pytest.fixture
def server(home: Home) -> str:
    """The address of a server that has no corrections, and for which no picture waits."""
    ask("DELETE", f"{home.url}/v1/feedback", params={"since": 0}).raise_for_status()
    for picture in waiting(home.url):
        ask("DELETE", f"{home.url}{REVIEW}/{picture}").raise_for_status()
    return home.url


def _warm(url: str) -> None:
    """Nobody waits for DOUBTFUL to be loaded later."""
    blank = {"file": png(np.zeros((28, 28), np.uint8))}  # is never kept
    wait_until(lambda: ask("POST", f"{url}/v1/predict", params={"model": DOUBTFUL}, files=blank).status_code == 200)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, or a skip that says what to install; in continuous integration it must be there."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        missing("Chromium", "chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=[_ONLY_HERE], timeout=1000 * PATIENCE_SECONDS)
        yield running
        running.close()


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Callable[[str], Visit]]:
    """Opens a path of the server in a browser that has seen nothing yet."""
    context = browser.new_context(base_url=server)
    context.set_default_timeout(1000 * PATIENCE_SECONDS)
    expect.set_options(timeout=1000 * PATIENCE_SECONDS)

    def opened(path: str) -> Visit:
        visit = Visit(context.new_page())
        visit.page.goto(path)
        return visit

    yield opened
    context.close()
