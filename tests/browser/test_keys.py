"""The pages of a server that asks for keys: they ask the reader for one, keep it for the tab, and send it."""

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from app.cli.main import main
from tests.browser.conftest import REVIEW, SEVEN, Open, draw
from tests.conftest import EXAMPLES, set_apart
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.pictures import png
from tests.system.harness import serving
from training.synthetic import strokes

WRONG = f"ds_{'0' * 16}_{'0' * 64}"


@dataclass(frozen=True)
class Locked:
    """A server with keys."""

    url: str
    admin: str
    reader: str  # may have pictures read, and no more

    def ask(self, method: str, path: str, **details: object) -> httpx.Response:
        """As its admin."""
        headers = {"authorization": f"Bearer {self.admin}"}
        with httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_SECONDS, headers=headers) as http:
            return http.request(method, path, **details)  # type: ignore[arg-type]


def made(scope: str) -> str:
    """A new key."""
    with redirect_stdout(io.StringIO()) as told:
        assert main(["keys", "create", scope, "--scope", scope]) == 0
    return told.getvalue().split()[0]


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    folder = tmp_path_factory.mktemp("locked")
    with pytest.MonkeyPatch.context() as environment:
        set_apart(environment, folder)
        for name, value in {"KEEP_UNCERTAIN": 1, "JOB_WORKERS": 0, "WORKERS": 1}.items():
            environment.setenv(f"DIGITSERVE_{name}", str(value))
        admin, reader = map(made, ("admin", "predict"))
        with serving(folder / "log") as (_, url):
            yield Locked(url, admin, reader)


@pytest.fixture(scope="module")
def server(locked: Locked) -> str:
    """What `visit` opens."""
    return locked.url


@pytest.fixture
def doubtful(locked: Locked) -> Iterator[str]:
    """The id of a photograph that waits for review."""
    for seed in range(40):  # a scribble of two digits is read with doubt sooner or later
        generator = np.random.default_rng(seed)
        sheet = strokes.on_paper(4, generator, size=(600, 900))
        sheet = np.minimum(sheet, strokes.on_paper(7, generator, size=(600, 900)))
        answer = locked.ask("POST", "/v1/predict", files={"file": png(sheet)}).json()
        if answer["uncertain"]:
            break
    (one,) = wait_until(lambda: locked.ask("GET", REVIEW).json()["data"])
    yield one["id"]
    locked.ask("DELETE", f"{REVIEW}/{one['id']}")


def give(page: Page, key: str) -> None:
    """Answers the dialog."""
    page.get_by_role("dialog").get_by_label("Key").fill(key)
    page.keyboard.press("Enter")


def kept(page: Page) -> list[str]:
    """What the browser holds for the page: of the tab, and for longer."""
    return page.evaluate("[...Object.values(sessionStorage), ...Object.keys(localStorage), document.cookie]")  # type: ignore[no-any-return]


def test_a_reader_gives_a_key_once_and_reads_corrects_and_reviews(visit: Open, locked: Locked, doubtful: str) -> None:
    visited = visit("/")
    page, sent = visited.page, list[tuple[str, str | None]]()
    page.on("request", lambda request: sent.append((request.url, request.headers.get("authorization"))))
    assert page.locator("header .own-key").count() == 0  # nothing is said of keys before one is needed
    draw(page, SEVEN)
    expect(page.get_by_role("dialog", name="This server asks for a key")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_label("Key")).to_be_focused()
    give(page, f"Authorization: Bearer {locked.admin} ")  # as it was copied
    expect(page.locator(".label")).to_have_text("7")
    page.get_by_role("button", name="Wrong?").click()
    page.get_by_role("group", name="What is it?").get_by_role("button", name="7").click()
    expect(page.locator(".reply")).to_contain_text("Thank you: it is kept as 7.")
    assert kept(page) == [locked.admin, ""]  # in this tab alone

    page.get_by_role("link", name="Review").first.click()
    picture = page.locator(".look img")
    expect(picture).to_have_js_property("naturalWidth", 900)
    assert str(picture.get_attribute("src")).startswith("blob:")
    with page.expect_popup() as opened:
        page.locator(".look").click()
    expect(opened.value.locator("img")).to_have_js_property("naturalWidth", 900)
    page.locator(".card").press("4")
    expect(page.get_by_role("status")).to_contain_text("it is kept as 4")
    assert not [url for url, _ in sent if locked.admin in url]
    assert all("/v1/" in url for url, authorization in sent if authorization)
    assert [line for line in visited.wrong if "status of 401" not in line] == []  # the answer that asked for a key


def test_a_wrong_key_is_said_and_asked_for_again(visit: Open, locked: Locked) -> None:
    page = visit("/").page
    page.locator("#choose").set_input_files(EXAMPLES / "7.png")
    give(page, WRONG)
    expect(page.get_by_role("dialog")).to_contain_text("That key does not count here")
    give(page, "secret")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.locator("dialog input").evaluate("field => field.validationMessage").startswith("A key begins with ds_")
    give(page, locked.reader)
    expect(page.locator(".label")).to_have_text("7")
    assert kept(page)[0] == locked.reader


def test_who_gives_none_is_told_so_and_is_asked_again_the_next_time(visit: Open) -> None:
    page = visit("/").page
    draw(page, SEVEN)
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator(".refusal")).to_have_text("This server asks for a key. Try again to give one.")
    assert kept(page) == [""]
    draw(page, SEVEN)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_key_that_does_not_allow_it_is_said_plainly_and_another_can_be_given(
    visit: Open, locked: Locked, doubtful: str
) -> None:
    page = visit("/review").page
    give(page, locked.reader)
    expect(page.locator("#refusal")).to_have_text(re.compile("does not allow `pictures`.*“Key” above takes another"))
    page.get_by_role("button", name="Key", exact=True).click()
    expect(page.get_by_role("dialog", name="Your key")).to_be_visible()
    give(page, locked.admin)
    expect(page.locator(".card")).to_have_count(1)


def test_a_key_is_forgotten_with_what_it_has_brought(visit: Open, locked: Locked, doubtful: str) -> None:
    page = visit("/review").page
    give(page, locked.admin)
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("button", name="Key", exact=True).press("Enter")
    page.get_by_role("button", name="Forget key").click()
    expect(page.get_by_role("dialog", name="This server asks for a key")).to_be_visible()
    assert kept(page) == [""]
    assert page.locator(".card, header .own-key").count() == 0


def test_the_keyboard_stays_in_the_dialog_and_comes_back(visit: Open) -> None:
    page = visit("/").page
    page.locator("#clear").focus()
    page.locator("#choose").set_input_files(EXAMPLES / "7.png")
    expect(page.get_by_role("dialog")).to_be_visible()
    reached = []
    for _ in range(3):
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.innerText"))
        page.keyboard.press("Tab")
    assert reached == ["key", "Use this key", "Cancel"]
    page.keyboard.press("Escape")
    expect(page.locator("#clear")).to_be_focused()


def status_of_models(page: Page) -> str:
    """What the page of the API gets when it asks for all versions."""
    operation = page.locator("#operations-models-list_versions, .opblock-get").filter(has_text="/v1/models").first
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    return operation.locator(".live-responses-table tbody .response-col_status").first.inner_text().strip()


def test_the_page_of_the_api_sends_the_key_that_it_is_given(visit: Open, locked: Locked) -> None:
    page = visit("/docs").page
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(locked.reader)
    page.locator(".auth-container").get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").click()
    assert status_of_models(page) == "200"
    assert kept(page) == [""]


def test_the_page_of_the_api_knows_the_key_of_its_tab(visit: Open, locked: Locked) -> None:
    page = visit("/").page
    draw(page, SEVEN)
    give(page, locked.reader)
    expect(page.locator(".label")).to_have_text("7")
    page.get_by_role("link", name="Try the API").click()
    page.locator(".btn.authorize.locked").wait_for()
    assert status_of_models(page) == "200"


@pytest.mark.parametrize("width", [360, 1400])
def test_the_dialog_is_no_wider_than_its_window(visit: Open, locked: Locked, width: int) -> None:
    page = visit("/").page
    page.set_viewport_size({"width": width, "height": 740})
    draw(page, SEVEN)
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    give(page, locked.reader)
    expect(page.locator(".label")).to_have_text("7")
    assert page.evaluate("document.documentElement.scrollWidth") == width
