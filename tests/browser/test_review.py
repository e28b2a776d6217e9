"""The page of uncertain pictures: a person answers with a click or a key, and what they say is kept."""

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DOUBTFUL, REVIEW, Open, ask, wait, waiting
from tests.support.pictures import png
from tests.unit.models_store.datasets.test_clean import unit
from training.synthetic import strokes as drawings

FEEDBACK = "/v1/feedback"


def labels(server: str) -> list[str]:
    """Of all corrections, the newest first."""
    return [one["label"] for one in ask("GET", server + FEEDBACK).json()["data"]]


def read(server: str, pictures: list[bytes]) -> None:
    """They are read, and wait."""
    for picture in pictures:
        answer = ask("POST", f"{server}/v1/predict", params={"model": DOUBTFUL}, files={"file": picture})
        assert answer.json()["uncertain"]
    wait(server, len(pictures))


def cards(page: Page) -> list[str]:
    return [str(link.get_attribute("href")).split("/")[2] for link in page.locator(".card .look").all()]


def test_a_click_answers_and_the_next_one_is_in_focus(visit: Open, server: str) -> None:
    read(server, [png(unit(seed)) for seed in range(3)])
    order = waiting(server)
    visited = visit("/review")
    page = visited.page
    expect(page.locator(".card")).to_have_count(3)
    assert cards(page) == order
    first = page.locator(".card").first
    expect(first).to_be_focused()
    assert len(first.locator(".likely .key").all()) == 2 and len(first.locator(".others .key").all()) == 8
    best = ask("GET", f"{server}{REVIEW}").json()["data"][0]["best"]
    expect(first.locator(".likely strong")).to_have_text([one["label"] for one in best])
    assert first.locator("img").evaluate("image => image.naturalWidth") == 28
    first.locator(".likely .key").first.click()
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(".card").first).to_be_focused()
    said = (
        f"Thank you: it is kept as {best[0]['label']}. 1 correction waits. At 20 the server learns from them by itself."
    )
    expect(page.get_by_role("status")).to_have_text(said)
    assert labels(server) == [best[0]["label"]] and cards(page) == order[1:]
    assert set(waiting(server)) == set(order[1:])  # the next look may prefer another order
    assert visited.wrong == []


def test_a_digit_key_answers_the_picture_in_focus_and_delete_dismisses(visit: Open, server: str) -> None:
    read(server, [png(unit(seed)) for seed in range(4)])
    order = waiting(server)
    page = visit("/review").page
    expect(page.locator(".card").first).to_be_focused()
    page.keyboard.press("x")  # no label of this model
    page.keyboard.press("Control+1")  # the browser's own
    page.keyboard.press("8")
    expect(page.locator(".card")).to_have_count(3)
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):  # there are only three
        page.keyboard.press(key)
    expect(page.locator(".card").nth(1)).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.locator(".card")).to_have_count(2)
    expect(page.get_by_role("status")).to_have_text("Dismissed.")
    expect(page.locator(".card").nth(1)).to_be_focused()
    page.keyboard.press("3")
    expect(page.locator(".card")).to_have_count(1)
    page.keyboard.press("5")  # the last one: the one before has the focus
    expect(page.get_by_text("Nothing waits")).to_be_visible()
    assert labels(server) == ["5", "3", "8"] and waiting(server) == []
    kept = ask("GET", server + FEEDBACK).json()["data"]
    assert {one["read_by"] for one in kept} == {DOUBTFUL} and len(order) == 4


def test_when_all_are_answered_the_next_ones_come(visit: Open, server: str) -> None:
    read(server, [png(unit(seed)) for seed in range(22)])
    page = visit("/review").page
    for left in range(20, 0, -1):
        expect(page.locator(".card")).to_have_count(left)
        page.locator(".card").first.press("7")
    expect(page.locator(".card")).to_have_count(2)
    expect(page.get_by_role("status")).to_have_text(re.compile("20 corrections wait\\. The server learns"))
    expect(page.locator(".card").first).to_be_focused()


def test_a_photograph_is_shown_large(visit: Open, server: str) -> None:
    read(server, [png(drawings.on_paper(4, np.random.default_rng(4), size=(600, 900)))])
    page = visit("/review").page
    expect(page.locator(".look img")).to_have_js_property("naturalWidth", 900)
    with page.expect_popup() as opened:
        page.locator(".look").click()
    assert opened.value.url.endswith("/picture")


def test_what_somebody_else_has_answered_goes_and_another_refusal_stays(visit: Open, server: str) -> None:
    read(server, [png(unit(seed)) for seed in range(2)])
    page = visit("/review").page
    expect(page.locator(".card")).to_have_count(2)
    ask("POST", f"{server}{REVIEW}/{cards(page)[0]}", json={"label": "1"}).raise_for_status()
    page.locator(".card").first.press("2")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("Somebody has answered or dismissed it already.")
    page.route(f"**{REVIEW}/rv-*", lambda route: route.fulfill(status=507, json={"detail": "The disk is full."}))
    page.locator(".card").first.press("2")
    expect(page.get_by_role("alert")).to_have_text("The disk is full.")
    expect(page.locator(".card")).to_be_focused()
    page.unroute(f"**{REVIEW}/rv-*")
    page.keyboard.press("2")
    expect(page.get_by_text("Nothing waits")).to_be_visible()
    assert labels(server) == ["2", "1"]


def test_where_nothing_is_kept_it_says_what_to_switch_on(visit: Open) -> None:
    page = visit("about:blank").page
    nothing: dict[str, Any] = {"data": [], "has_more": False, "keeping": False}
    page.route(f"**{REVIEW}?*", lambda route: route.fulfill(json=nothing))
    page.goto("/review")
    expect(page.locator("#off")).to_contain_text("DIGITSERVE_KEEP_UNCERTAIN=1")
    expect(page.get_by_text("Nothing waits")).to_be_hidden()


def test_a_server_without_a_database_is_one_sentence(visit: Open) -> None:
    page = visit("about:blank").page
    page.route(f"**{REVIEW}?*", lambda route: route.fulfill(status=503, json={"detail": "The database is away."}))
    page.goto("/review")
    expect(page.locator("#refusal")).to_have_text("The database is away.")


@pytest.mark.parametrize("width", [360, 1400])
def test_the_page_is_no_wider_than_its_window(visit: Open, server: str, width: int) -> None:
    read(server, [png(unit(seed)) for seed in range(5)])
    page = visit("about:blank").page
    page.set_viewport_size({"width": width, "height": 740})
    page.goto("/review")
    expect(page.locator(".card")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") == width
