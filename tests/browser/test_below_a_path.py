"""The pages in a real browser, over TLS, behind a real nginx that shows them below a path."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SEVEN, draw
from tests.browser.test_pages import DRAWN
from tests.conftest import set_apart
from tests.support.patience import PATIENCE_SECONDS
from tests.system.access.nginx import prepared, proxying
from tests.system.harness import serving

SETTINGS = {
    "TRUSTED_PROXIES": "127.0.0.1", "ROOT_PATH": "/digits", "INSECURE": "true", "KEEP_UNCERTAIN": "true",
    "WORKERS": "1", "JOB_WORKERS": "0",
}  # fmt: skip
LEFT_ON, TAKEN_OFF = "proxy_pass http://digitserve;", "proxy_pass http://digitserve/;"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("below")
    with pytest.MonkeyPatch.context() as environment:
        set_apart(environment, folder)
        for name, value in SETTINGS.items():
            environment.setenv(f"DIGITSERVE_{name}", value)
        with serving(folder / "log") as (_, url):
            yield url


@pytest.fixture(scope="module", params=[LEFT_ON, TAKEN_OFF])
def below(request: pytest.FixtureRequest, service: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page."""
    made = prepared(tmp_path_factory.mktemp("proxied") / "nginx")
    with proxying(made, service, "sub-path.conf", **{LEFT_ON: request.param}):
        yield f"https://127.0.0.1:{made.tls}/digits/"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(ignore_https_errors=True)  # of the certificate, which is for another name
    context.set_default_timeout(1000 * PATIENCE_SECONDS)
    expect.set_options(timeout=1000 * PATIENCE_SECONDS)
    yield context.new_page()
    context.close()


def test_every_page_holds_and_asks_for_nothing_beside_the_path(page: Page, below: str) -> None:
    wrong: list[str] = []
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on(
        "request",
        lambda request: None if request.url.startswith((below, "data:", "blob:")) else wrong.append(request.url),
    )
    page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)
    for path, drawn in DRAWN.items():
        page.goto(below + path.removeprefix("/"))
        expect(page.locator(drawn).first).to_be_visible()
        page.wait_for_load_state("networkidle")
    assert wrong == []


def test_the_page_reads_a_digit_and_leads_back(page: Page, below: str) -> None:
    page.goto(below.removesuffix("/"))  # without the slash that its links need
    assert page.url == below
    draw(page, SEVEN)
    expect(page.locator(".label")).to_have_text("7")
    page.goto(f"{below}docs")
    page.click(".home")
    assert page.url == below


def test_the_documents_try_out_asks_below_the_path(page: Page, below: str) -> None:
    page.goto(f"{below}docs")
    route = page.locator(".opblock", has=page.locator("[data-path='/v1/models']")).first
    route.locator(".opblock-summary-control").click()
    route.get_by_role("button", name="Try it out").click()
    with page.expect_response(lambda answer: answer.url.endswith("/v1/models")) as asked:
        route.get_by_role("button", name="Execute").click()
    assert (asked.value.url, asked.value.status) == (f"{below}v1/models", 200)
