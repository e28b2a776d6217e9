"""The pages in a real browser: nothing from outside, nothing inline, and a digit that is drawn is read."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import SEVEN, Open, ask, draw
from tests.conftest import EXAMPLES

DRAWN = {
    "/": "canvas",
    "/review": "text=Nothing waits",
    "/docs": ".opblock-summary-path",
    "/redoc": "h1:has-text('DigitServe')",
}
ANSWER = {
    "id": "pred_1", "model": "letters@3", "label": "a", "confidence": 0.62, "uncertain": True,
    "probabilities": {"a": 0.62, "b": 0.38}, "prepared": "",
    "warnings": ["low_contrast", "several_marks", "not_a_digit", "of_tomorrow"],
    "timing_ms": {"prepare": 1.0, "queue": 0.5, "infer": 0.5},
}  # fmt: skip


def expect_seven(page: Page) -> None:
    expect(page.locator(".label")).to_have_text("7")
    expect(page.locator(".bars li")).to_have_count(10)
    expect(page.locator(".bars .best")).to_have_text(re.compile(r"7.*\d\d\.\d\s%"))
    expect(page.locator(".verdict")).to_have_text(re.compile(r"\d\d\.\d\s% sure"))
    expect(page.locator(".made")).to_have_text(re.compile(r"Read by digits@1 in [\d.]+\sms\."))
    expect(page.locator("#spoken")).to_have_text(re.compile(r"7\. \d\d\.\d\s% sure"))
    assert page.locator(".seen").evaluate("image => image.naturalWidth") == 28


@pytest.mark.parametrize("path", DRAWN)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_loads_without_the_world(visit: Open, path: str, scheme: str) -> None:
    visited = visit("about:blank")
    visited.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visited.page.goto(path)
    expect(visited.page.locator(DRAWN[path]).first).to_be_visible()
    visited.page.wait_for_load_state("networkidle")
    assert visited.wrong == []


@pytest.mark.parametrize("path", DRAWN)
def test_a_page_allows_no_inline_script_and_has_none(server: str, path: str) -> None:
    answer = ask("GET", server + path)
    rules = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert (rules["default-src"], rules["script-src"]) == ("'none'", "'self'")
    assert ("'unsafe-inline'" in rules["style-src"]) == (path == "/redoc")
    assert not re.search(r"<script(?![^>]* src=)|<style|\s(on\w+|style)=|https?://", answer.text)


@pytest.mark.parametrize("path", [*DRAWN, "/ui/main.js", "/ui/swagger-ui-bundle.js"])
def test_a_file_is_sent_once_and_asked_for_again(server: str, path: str) -> None:
    first = ask("GET", server + path)
    again = ask("GET", server + path, headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    for answer in (first, again):
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_way_out_of_the_folder_is_closed(server: str) -> None:
    for path in ("/ui/%2e%2e/pages.py", "/ui/../pages.py", "/ui/nope.js", "/ui/"):
        answer = ask("GET", server + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_drawn_seven_is_read(visit: Open) -> None:
    visited = visit("/")
    draw(visited.page, SEVEN)
    expect_seven(visited.page)
    visited.page.get_by_role("button", name="Clear").press("Enter")
    expect(visited.page.locator(".label")).to_be_hidden()
    expect(visited.page.get_by_text("Draw here")).to_be_visible()
    assert visited.wrong == []


def test_a_chosen_picture_is_read(visit: Open) -> None:
    visited = visit("/")
    visited.page.get_by_label("Choose picture").set_input_files(EXAMPLES / "7.png")
    expect_seven(visited.page)
    assert visited.wrong == []


def test_a_dropped_picture_is_read(visit: Open) -> None:
    page = visit("/").page
    held = page.evaluate_handle(
        """bytes => {
          const held = new DataTransfer();
          held.items.add(new File([new Uint8Array(bytes)], "7.png", { type: "image/png" }));
          return held;
        }""",
        list((EXAMPLES / "7.png").read_bytes()),
    )
    page.dispatch_event("body", "drop", {"dataTransfer": held})
    expect_seven(page)


def test_a_phones_photograph_is_made_small_enough(visit: Open, server: str) -> None:
    large, buffer = Image.open(EXAMPLES / "7.png").convert("L").resize((4600, 4900)), io.BytesIO()
    large.save(buffer, "JPEG")
    assert ask("POST", f"{server}/v1/predict", files={"file": buffer.getvalue()}).json()["code"] == "image_too_large"
    page = visit("/").page
    page.locator("#photo").set_input_files(FilePayload(name="7.jpg", mimeType="image/jpeg", buffer=buffer.getvalue()))
    expect_seven(page)


def test_a_text_file_is_refused_in_the_servers_words(visit: Open, server: str) -> None:
    sentence = ask("POST", f"{server}/v1/predict", files={"file": b"no picture"}).json()["detail"]
    page = visit("/").page
    page.locator("#choose").set_input_files(FilePayload(name="a.txt", mimeType="text/plain", buffer=b"no picture"))
    expect(page.locator(".refusal")).to_have_text(sentence)
    expect(page.locator("#spoken")).to_have_text(sentence)
    expect(page.locator(".label")).to_be_hidden()


def test_an_empty_sheet_has_no_label(visit: Open) -> None:
    page, buffer = visit("/").page, io.BytesIO()
    Image.new("L", (60, 60), 255).save(buffer, "PNG")
    page.locator("#choose").set_input_files(FilePayload(name="a.png", mimeType="image/png", buffer=buffer.getvalue()))
    expect(page.get_by_role("paragraph").get_by_text("Nothing is written here").first).to_be_visible()
    expect(page.locator(".label, .bars").first).to_be_hidden()


def test_doubt_and_warnings_are_said_in_words_and_labels_are_the_models(visit: Open) -> None:
    page = visit("/").page
    page.route("**/v1/predict*", lambda route: route.fulfill(json=ANSWER))
    draw(page, SEVEN)
    expect(page.locator(".verdict")).to_have_text("Not sure")
    expect(page.locator(".remarks")).to_contain_text("The writing is faint")
    for words in ("more than one mark", "may be no digit at all", "of tomorrow"):
        expect(page.locator(".remarks")).to_contain_text(words)
    expect(page.get_by_role("group", name="What is it?").get_by_role("button")).to_have_text(["a", "b"])
    expect(page.locator("#spoken")).to_have_text(re.compile(r"^a\. Not sure\. .* What is it\?$"))
    expect(page.locator(".bars li")).to_have_text([re.compile("a.*62.0"), re.compile("b.*38.0")])
    expect(page.locator(".made")).to_have_text(re.compile(r"Read by letters@3 in 2\.0\sms\."))


def test_a_silent_server_is_one_sentence(visit: Open) -> None:
    page = visit("/").page
    page.context.set_offline(True)
    draw(page, SEVEN)
    expect(page.locator(".refusal")).to_have_text(re.compile(r"The server does not answer\."))


def test_the_keyboard_reaches_everything(visit: Open) -> None:
    page = visit("/").page
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.innerText"))
    pages = ["Review", "Held back", "Challenger", "Try the API", "Reference"]
    assert reached == ["DigitServe", *pages, "clear", "choose"]


@pytest.mark.parametrize("width", [360, 1400])
def test_no_page_is_wider_than_its_window(visit: Open, width: int) -> None:
    page = visit("/").page
    page.set_viewport_size({"width": width, "height": 740})
    draw(page, SEVEN)
    expect_seven(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width
