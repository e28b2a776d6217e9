"""What is held back, in groups, on both databases: shown, let go of, removed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.feedback import lineage
from app.feedback.held import Chosen, HeldBack, hold, quarantine
from app.feedback.store import FeedbackStore
from app.storage.db import Database
from tests.support.correcting import kept, put
from tests.support.uploading import lying_in

LATER = 1e12


@pytest.fixture
def store(database: Database, tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(database, tmp_path / "state", spare_bytes=0)


@pytest.fixture
def held_back(database: Database, store: FeedbackStore) -> HeldBack:
    return HeldBack(database, store)


def holding(database: Database, names: list[str], reason: str = "alike", job: str = "ftjob-1", group: str = "x") -> int:
    """Has a job learn these corrections and hold them back."""
    with database.writing() as connection:
        lineage.teach(connection, job, "digits", LATER, names)
        return hold(connection, job, LATER, [{"name": name, "reason": reason, "group": group} for name in names])


def test_those_that_belong_together_are_one_group(
    store: FeedbackStore, held_back: HeldBack, database: Database
) -> None:
    sevens = [put(store, seed, "7", giver="addr:a") for seed in range(3)]
    ones = [put(store, seed, "1", giver="addr:a") for seed in range(3, 8)]
    others = [put(store, seed, "1", giver="key:b") for seed in range(8, 10)]
    put(store, 11, "7")
    assert holding(database, [*sevens, *ones, *others]) == 10
    assert holding(database, [put(store, 12, "9")], "mark", "ftjob-2", "y") == 1
    groups, more, _ = held_back.groups(10, pictures=4)
    assert [(g.reason, g.job, g.giver, g.in_common, g.count, dict(g.labels)) for g in groups] == [
        ("mark", "ftjob-2", None, "y", 1, {"9": 1}),
        ("alike", "ftjob-1", "addr:a", "x", 8, {"1": 5, "7": 3}),
        ("alike", "ftjob-1", "key:b", "x", 2, {"1": 2}),
    ]
    assert not more and [one.id for one in groups[1].pictures] == [*sevens, ones[0]]
    assert held_back.groups(10, pictures=0)[0][1].pictures == []


def test_a_page_begins_behind_the_one_before(store: FeedbackStore, held_back: HeldBack, database: Database) -> None:
    for seed in range(5):
        holding(database, [put(store, seed, "7")], job=f"ftjob-{seed}")
    holding(database, [put(store, 9, "7", model="letters")], job="ftjob-9")
    first, more, _ = held_back.groups(2, model="digits")
    second, still, _ = held_back.groups(2, first[-1].id, "digits")
    last, none, _ = held_back.groups(2, second[-1].id, "digits")
    assert [g.job for g in (*first, *second, *last)] == [f"ftjob-{n}" for n in (4, 3, 2, 1, 0)]
    assert (more, still, none) == (True, True, False)
    held_back.release(Chosen(group=first[-1].id))
    assert held_back.groups(2, first[-1].id, "digits")[0][0].job == "ftjob-4"  # it is gone: from the beginning


def test_who_is_let_go_of_waits_again_and_is_not_held_for_the_same(
    store: FeedbackStore, held_back: HeldBack, database: Database
) -> None:
    names = [put(store, seed, "7", giver="addr:a") for seed in range(4)]
    holding(database, names)
    assert store.waiting("digits") == 0 and store.held("digits") == 4 and store.chosen("digits") == []
    assert held_back.release(Chosen(ids=names[:1])) == 1
    (group,) = held_back.groups(10)[0]
    assert held_back.release(Chosen(group=group.id)) == 3 and held_back.release(Chosen(group=group.id)) == 0
    assert store.waiting("digits") == 4 and held_back.groups(10)[:2] == ([], False)
    assert holding(database, names, job="ftjob-2") == 0  # a person has looked
    with database.writing() as connection:
        lineage.teach(connection, "ftjob-3", "digits", LATER, names)
        lineage.made(connection, "ftjob-3", "digits@2", "digits@1", accepted=False)
        assert quarantine(connection, "ftjob-3", "digits", LATER, "It was rejected.") == 4  # that nobody could foresee


@pytest.mark.parametrize(
    ("same", "left"),
    [
        ({"job": "ftjob-1"}, 3),
        ({"giver": "addr:a"}, 3),
        ({"giver": None}, 4),
        ({"reason": "mark"}, 3),
        ({"model": "letters"}, 5),
        ({"job": "ftjob-1", "giver": "addr:a"}, 4),
        ({"job": "ftjob-1", "reason": "mark"}, 5),
    ],
)
def test_all_that_is_said_holds_for_each(
    store: FeedbackStore, held_back: HeldBack, database: Database, same: dict[str, str | None], left: int
) -> None:
    names = [
        put(store, seed, "7", giver=giver) for seed, giver in enumerate(["addr:a", "key:b", "addr:a", "key:b", None])
    ]
    holding(database, names[:2])
    holding(database, names[2:4], "mark", "ftjob-2")
    holding(database, names[4:], "contradicts", "ftjob-2")
    held_back.release(Chosen(same=same))
    assert store.held("digits") == left


def test_what_is_removed_is_gone(store: FeedbackStore, held_back: HeldBack, database: Database, tmp_path: Path) -> None:
    names = [put(store, seed, "7") for seed in range(4)]
    holding(database, names[:3])
    assert held_back.remove(Chosen(ids=[*names[2:], "fb-" + "0" * 24])) == 1  # only those that are held
    assert held_back.remove(Chosen(same={"job": "ftjob-1"})) == 2
    assert lying_in(tmp_path / "state" / "feedback") == [names[3]]
    assert held_back.remove(Chosen(group="hg-unknown")) == 0


def test_a_new_label_lets_nothing_go(store: FeedbackStore, held_back: HeldBack, database: Database) -> None:
    """Whoever planted it could say anything to get it learned."""
    name = put(store, 1, "7", giver="addr:a")
    holding(database, [name])
    store.add("digits", "8", kept(1), read_by=None, read_as=None, giver="addr:b")
    one = store.get(name)
    assert (one.label, one.giver, one.held) == ("8", "addr:b", "alike") and store.waiting("digits") == 0
    held_back.release(Chosen(ids=[name]))
    assert store.get(name).released_at is not None
    store.add("digits", "9", kept(1), read_by=None, read_as=None, giver="addr:c")
    assert store.get(name).released_at is None  # nobody has looked at this label
    assert holding(database, [name], job="ftjob-2") == 1


def test_a_label_that_nobody_has_seen_is_let_go_by_no_click(
    store: FeedbackStore, held_back: HeldBack, database: Database
) -> None:
    changed, other = put(store, 1, "7", giver="addr:a"), put(store, 2, "7", giver="addr:a")
    holding(database, [changed, other])
    (group,), _, as_of = held_back.groups(10)
    store.add("digits", "1", kept(1), read_by=None, read_as=None, giver="addr:a")  # after a person has looked
    for chosen in (Chosen(group.id, as_of=as_of), Chosen(ids=[changed], as_of=as_of)):
        held_back.release(chosen)
    held_back.remove(Chosen(ids=[changed], as_of=as_of))
    assert store.get(changed).held == "alike" and store.get(other).released_at is not None
    _, _, now = held_back.groups(10)
    assert held_back.release(Chosen(ids=[changed], as_of=now)) == 1


def test_two_people_at_once_let_each_go_once(store: FeedbackStore, held_back: HeldBack, database: Database) -> None:
    holding(database, [put(store, seed, "7") for seed in range(20)])
    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(lambda _: held_back.release(Chosen(same={"job": "ftjob-1"})), range(4)))
    assert sum(counts) == 20 and store.held("digits") == 0


def test_the_exported_and_the_listed_are_told_apart(store: FeedbackStore, database: Database) -> None:
    held, free = put(store, 1, "7", giver="addr:a"), put(store, 2, "7", giver="key:b")
    holding(database, [held])
    assert [one.id for one in store.chosen()] == [free] and [one.id for one in store.chosen(held=True)] == [held]
    assert [one.id for one in store.list(10, held=True)[0]] == [held]
    assert [one.id for one in store.list(10, held=False)[0]] == [free]
    assert [one.id for one in store.list(10, giver="key:b")[0]] == [free] and len(store.list(10)[0]) == 2
    assert store.per_label("digits") == {"7": 2}
