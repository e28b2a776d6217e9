"""The page of corrections that are held back: a person sees at a glance why they wait, and decides about them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest
from playwright.sync_api import Locator, expect

from app.feedback import lineage
from app.feedback.held import hold
from app.feedback.tables import feedback
from app.storage.db import Database
from tests.browser.conftest import Home, Open, ask
from tests.support.correcting import picture
from tests.support.patience import PATIENCE_SECONDS

FEEDBACK = "/v1/feedback"
Hold = Callable[[Sequence[str], str, str], None]


@pytest.fixture
def database(server: str, home: Home) -> Iterator[Database]:
    """The server's."""
    with closing(Database(f"sqlite:///{home.folder / 'state' / 'digitserve.db'}", PATIENCE_SECONDS)) as opened:
        yield opened


@pytest.fixture
def holding(database: Database) -> Hold:
    """Has a job hold corrections back, as a worker would."""

    def held(names: Sequence[str], reason: str, group: str) -> None:
        with database.writing() as connection:
            lineage.teach(connection, f"ftjob-{reason}", "digits", 1e12, names)
            rows = [{"name": name, "reason": reason, "group": group} for name in names]
            assert hold(connection, f"ftjob-{reason}", 1e12, rows) == len(names)

    return held


def given(server: str, count: int, label: str = "1", begin: int = 0) -> list[str]:
    """The ids of corrections."""
    said = {"label": label, "read_as": "7"}
    pictures = [picture(seed) for seed in range(begin, begin + count)]
    return [ask("POST", server + FEEDBACK, files={"file": one}, data=said).json()["id"] for one in pictures]


def summary(server: str) -> tuple[int, int, int]:
    """How many there are, wait and are held."""
    found = ask("GET", f"{server}{FEEDBACK}/summary").json()
    return found["total"], found["waiting"], found["held"]


def decide(group: Locator, name: str) -> None:
    group.get_by_role("button", name=name, exact=True).click()


def test_a_person_sees_why_they_wait_and_uses_or_removes_them(visit: Open, server: str, holding: Hold) -> None:
    holding(given(server, 3), "mark", "given as 1, they share a mark")
    holding(given(server, 30, begin=10), "rejected", "The gate rejected digits@3, which had learned them")
    visited = visit("/held")
    page = visited.page
    expect(page.locator(".group")).to_have_count(2)
    rejected, marked = page.locator(".group").all()
    expect(rejected.locator("h2")).to_have_text("The version that learned these was worse, and was rejected.")
    expect(rejected).to_contain_text("30 pictures, labelled 1. From this machine itself.")
    expect(rejected).to_contain_text("24 of 30 are shown.")
    expect(marked.locator("h2")).to_have_text("The pictures of one label carry the same mark.")
    expect(marked.locator(".picture")).to_have_count(3)
    expect(marked.locator(".picture").first).to_contain_text("said to be 1")
    expect(marked.locator(".picture").first).to_contain_text("read as 7")
    assert marked.locator("img").first.evaluate("image => image.naturalWidth") == 28

    rejected.get_by_role("button", name="Show up to 100").click()
    expect(page.locator(".group").first.locator(".picture")).to_have_count(30)
    decide(page.locator(".group").first, "They are right: use them")
    expect(page.get_by_role("status")).to_have_text("Thank you: 30 corrections are learned by the next training.")
    expect(page.locator(".group")).to_have_count(1)
    assert summary(server) == (33, 30, 3)

    marked = page.locator(".group")
    decide(marked, "Remove them")
    assert summary(server) == (33, 30, 3)  # it takes a second click
    decide(marked, "Really remove all 3?")
    expect(page.locator("#nothing")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("3 corrections are removed.")
    assert summary(server) == (30, 30, 0)
    assert visited.wrong == []


def test_pictures_that_are_clicked_are_meant_alone(visit: Open, server: str, holding: Hold) -> None:
    names = given(server, 4)
    holding(names, "alike", "They are copies.")
    page = visit("/held").page
    group = page.locator(".group")
    for place in (0, 1, 2, 2):  # the last one is unmarked again
        group.locator(".picture").nth(place).click()
    decide(group, "These 2 are right: use them")
    expect(group.locator(".picture")).to_have_count(2)
    group.locator(".picture").first.press("Enter")
    decide(group, "Remove this one")
    group.get_by_role("button", name="Really remove this one?").press("Enter")
    expect(group.locator(".picture")).to_have_count(1)
    assert summary(server) == (3, 2, 1)
    assert ask("GET", f"{server}{FEEDBACK}/{names[0]}").json()["held"] is None


def test_all_that_one_training_held_back_is_decided_at_once(
    visit: Open, server: str, holding: Hold, database: Database
) -> None:
    names = given(server, 4)
    holding(names, "rejected", "The gate rejected digits@3, which had learned them")
    with database.writing() as connection:
        connection.execute(feedback.update().where(feedback.c.id.in_(names[2:])).values(giver="key:0a1b2c3d"))
    page = visit("/held").page
    expect(page.locator(".group .pictures")).to_have_count(2)
    expect(page.locator(".group")).to_have_count(3)
    expect(page.locator(".group").first).to_contain_text("several senders")
    decide(page.locator(".group").first, "All of them are right: use them")
    expect(page.locator("#nothing")).to_be_visible()
    assert summary(server) == (4, 4, 0)


def test_what_is_gone_and_what_is_refused_is_said(visit: Open, server: str, holding: Hold) -> None:
    holding(given(server, 1), "contradicts", "1 of 1 contradicts what the base is sure of")
    page = visit("/held").page
    group = page.locator(".group")
    expect(group).to_contain_text("1 picture, labelled 1.")
    ask("DELETE", server + FEEDBACK, params={"since": 0}).raise_for_status()
    decide(group, "They are right: use them")
    expect(page.get_by_role("status")).to_have_text("Somebody else has decided about them already.")
    page.route("**/v1/feedback/held*", lambda route: route.fulfill(status=403, json={"detail": "Ask for a key."}))
    page.reload()
    expect(page.locator("#refusal")).to_have_text("Ask for a key.")
