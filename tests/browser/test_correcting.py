"""The first page learns what a picture really shows: the picture that was read goes back with its label."""

import io
import re
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import DOUBTFUL, SEVEN, Open, ask, draw, wait, waiting
from tests.conftest import EXAMPLES

FEEDBACK = "/v1/feedback"


def corrections(server: str) -> list[dict[str, Any]]:
    return list(ask("GET", server + FEEDBACK).json()["data"])


def keys(page: Page) -> Locator:
    return page.get_by_role("group", name="What is it?").get_by_role("button")


def key(page: Page, label: str) -> Locator:
    return page.get_by_role("group", name="What is it?").get_by_role("button", name=label, exact=True)


def doubting(page: Page) -> None:
    """The page is answered by the version that is uncertain of everything."""

    def ask(route: Route) -> None:
        route.continue_(url=f"{route.request.url}&model={DOUBTFUL}")

    page.route("**/v1/predict*", ask)


def test_a_drawing_that_was_read_wrong_is_kept_with_its_label(visit: Open, server: str) -> None:
    visited = visit("/")
    page = visited.page
    draw(page, SEVEN)
    expect(keys(page)).to_have_count(0)  # a sure answer only offers to be corrected
    page.get_by_role("button", name="Wrong?").click()
    expect(keys(page)).to_have_text(list("0123456789"))
    key(page, "1").click()
    thanks = "Thank you: it is kept as 1. 1 correction waits. At 20 the server learns from them by itself."
    expect(page.locator(".reply")).to_have_text(re.compile(thanks.replace("1. 1", "1.\\s*1")))
    expect(page.locator("#spoken")).to_have_text(thanks)
    expect(key(page, "1")).to_have_attribute("aria-pressed", "true")
    (kept,) = corrections(server)
    facts = {name: kept[name] for name in ("model", "label", "read_by", "read_as", "width", "height")}
    assert facts == {
        "model": "digits", "label": "1", "read_by": "digits@1", "read_as": "7", "width": 448, "height": 448,
    }  # fmt: skip
    assert visited.wrong == []


def test_whoever_changes_their_mind_has_the_last_word(visit: Open, server: str) -> None:
    page = visit("/").page
    draw(page, SEVEN)
    page.get_by_role("button", name="Wrong?").press("Enter")
    expect(key(page, "0")).to_be_focused()
    key(page, "1").press("Enter")
    expect(page.locator(".reply")).to_contain_text("kept as 1.")
    expect(key(page, "1")).to_be_focused()
    key(page, "7").press("Enter")
    expect(page.locator(".reply")).to_contain_text("kept as 7.")
    expect(page.locator('.key[aria-pressed="true"]')).to_have_text("7")
    assert [one["label"] for one in corrections(server)] == ["7"]


def test_an_uncertain_answer_asks_and_a_chosen_file_is_kept_as_it_was_sent(visit: Open, server: str) -> None:
    page = visit("/").page
    doubting(page)
    page.locator("#choose").set_input_files(EXAMPLES / "3.png")
    expect(page.locator(".verdict")).to_have_text("Not sure")
    expect(page.get_by_text("Wrong?")).to_be_hidden()
    key(page, "3").click()
    expect(page.locator(".reply")).to_contain_text("kept as 3.")
    (kept,) = corrections(server)
    assert (kept["label"], kept["read_by"], kept["read_as"]) == ("3", DOUBTFUL, "3")
    png = ask("GET", f"{server}{FEEDBACK}/{kept['id']}/picture").content
    there, sent = (np.asarray(Image.open(file)) for file in (io.BytesIO(png), EXAMPLES / "3.png"))
    assert np.array_equal(there, sent)


def test_what_is_corrected_no_longer_waits_for_review(visit: Open, server: str) -> None:
    page = visit("/").page
    doubting(page)
    page.locator("#choose").set_input_files(EXAMPLES / "4.png")
    expect(keys(page)).to_have_count(10)
    wait(server, 1)
    key(page, "4").click()
    expect(page.locator(".reply")).to_contain_text("kept as 4.")
    assert waiting(server) == []


def test_a_new_picture_has_no_correction_yet(visit: Open) -> None:
    page = visit("/").page
    draw(page, SEVEN)
    page.get_by_role("button", name="Wrong?").click()
    key(page, "1").click()
    expect(page.locator(".reply")).to_contain_text("kept as 1.")
    page.locator("#choose").set_input_files(EXAMPLES / "5.png")
    expect(page.locator(".label")).to_have_text("5")
    expect(page.get_by_role("button", name="Wrong?")).to_be_visible()
    expect(page.locator(".reply")).to_be_hidden()
    expect(keys(page)).to_have_count(0)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("button", name="Wrong?")).to_be_hidden()


def test_nothing_that_is_blank_can_be_corrected(visit: Open) -> None:
    page, buffer = visit("/").page, io.BytesIO()
    Image.new("L", (60, 60), 255).save(buffer, "PNG")
    page.locator("#choose").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
    expect(page.locator(".verdict")).to_have_text("Nothing is written here")
    expect(page.get_by_role("button", name="Wrong?")).to_be_hidden()
    expect(keys(page)).to_have_count(0)


def test_a_refused_correction_is_said_in_the_servers_words_and_can_be_repeated(visit: Open, server: str) -> None:
    page = visit("/").page
    draw(page, SEVEN)
    page.get_by_role("button", name="Wrong?").click()
    key(page, "1").click()
    expect(page.locator(".reply")).to_contain_text("kept as 1.")
    page.route("**/v1/feedback", lambda route: route.fulfill(status=507, json={"detail": "The disk is full."}))
    key(page, "2").click()
    expect(page.locator(".reply.refused")).to_have_text("The disk is full.")
    expect(page.locator("#spoken")).to_have_text("The disk is full.")
    expect(page.locator('.key[aria-pressed="true"]')).to_have_text("1")  # what the server has
    page.unroute("**/v1/feedback")
    key(page, "2").click()
    expect(page.locator(".reply")).to_contain_text("kept as 2.")
    assert [one["label"] for one in corrections(server)] == ["2"]
