"""The page of a challenger: a person labels what two versions read otherwise, and is not led."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import expect

from app.shadow.keeper import ShadowKeeper
from app.shadow.sample import Sample
from app.storage.db import Database
from models_store.registry import Registry
from tests.browser.conftest import Home, Open, ask
from tests.integration.shadow.shadowing import Stage
from tests.support.patience import PATIENCE_SECONDS

SHADOW = "/v1/models/digits/shadow"


@pytest.fixture
def stage(server: str, home: Home) -> Iterator[Stage]:
    """The server's store and database, with digits@2 as the challenger of digits@1."""
    state = home.folder / "state"
    registry = Registry(home.folder / "store")
    with closing(Database(f"sqlite:///{state / 'digitserve.db'}", PATIENCE_SECONDS)) as database:
        sample = Sample(database, state, spare_bytes=0)
        made = Stage(registry, database, sample, ShadowKeeper(registry, database, sample), state / "shadow")
        made.challenge(2)
        yield made
        ask("DELETE", server + SHADOW)


def test_a_click_and_a_key_label_and_the_next_one_is_in_focus(visit: Open, server: str, stage: Stage) -> None:
    stage.differ(3)
    page = visit("/shadow").page
    expect(page.locator(".card")).to_have_count(3)
    first = page.locator(".card").first
    expect(first).to_be_focused()
    assert sorted(first.locator(".likely button").all_inner_texts()) == ["3", "5"]
    assert "digits@" not in first.inner_html() + str(first.get_attribute("aria-label"))  # nobody is led
    first.get_by_role("button", name="5", exact=True).click()
    expect(page.locator(".card")).to_have_count(2)
    expect(page.get_by_role("status")).to_contain_text("digits@2 was right in 1, digits@1 in 0 of 1 labelled pictures")
    expect(page.locator(".card").first).to_be_focused()
    page.keyboard.press("3")
    expect(page.locator(".card")).to_have_count(1)
    page.locator(".card").get_by_role("button", name="Nobody can tell").click()
    expect(page.locator("#nothing")).to_contain_text("Nothing waits")
    found = ask("GET", server + SHADOW).json()
    assert found["right"] == {"champion": 1, "challenger": 1, "neither": 1} and stage.left() == []


def test_who_ends_it_is_asked_first(visit: Open, server: str, stage: Stage) -> None:
    stage.differ(2)
    page = visit("/shadow?model=digits").page
    expect(page.locator(".card")).to_have_count(2)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="End the comparison").click()
    expect(page.locator(".card")).to_have_count(2)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="End the comparison").click()
    expect(page.locator("#nothing")).to_contain_text("digits@2 reads beside digits@1 no more.")
    expect(page.get_by_role("button", name="End the comparison")).to_be_hidden()
    assert stage.left() == [] and ask("GET", server + SHADOW).json()["state"] == "ended"
