"""Pictures that two versions read otherwise, on both databases: a uniform sample, a sheet at a time, gone when over."""

import dataclasses
import io
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import Conflict, NotFound, StorageFull
from app.shadow.record import Readings
from app.shadow.sample import SHEET, Sample, crowd
from app.storage.db import Database
from models_store.registry import Registry
from tests.integration.shadow.shadowing import Stage, difference


@pytest.fixture
def stage(registry: Registry, database: Database, tmp_path: Path) -> Stage:
    return Stage.of(registry, database, tmp_path)


def test_a_picture_is_kept_with_both_labels_and_asked_about_once(stage: Stage) -> None:
    found = stage.challenge()
    name = stage.sample.add(found, difference(1), 0.5)
    assert name is not None and stage.left() == [name]
    assert stage.sample.add(found, difference(1), 0.1) is None and stage.left() == [name]
    questions, more = stage.sample.sheet(found)
    assert [question.id for question in questions] == [name] and more == 0
    assert sorted(questions[0].labels) == ["3", "5"]
    png = stage.sample.picture(found, name)
    assert png == stage.sample.thumbnail(name) == difference(1).stripped.png
    assert np.asarray(Image.open(io.BytesIO(png))).shape == (28, 28)


def test_the_lowest_ranks_are_kept_whoever_adds_them(stage: Stage, database: Database, tmp_path: Path) -> None:
    found = stage.challenge()
    both = [Sample(database, tmp_path, 4, spare_bytes=0) for _ in range(2)]  # two processes
    ranks = [0.9, 0.3, 0.5, 0.7, 0.2, 0.8, 0.1, 0.6]
    names = [both[seed % 2].add(found, difference(seed), rank) for seed, rank in enumerate(ranks)]
    kept = sorted(str(names[seed]) for seed in (1, 2, 4, 6))
    assert stage.left() == kept
    assert {question.id for question in both[0].sheet(found)[0]} == set(kept)


def test_what_would_not_be_kept_is_not_even_packed(stage: Stage, database: Database, tmp_path: Path) -> None:
    found = stage.challenge()
    draws = iter([0.5, 0.49, 0.9])
    sample = Sample(database, tmp_path, 2, spare_bytes=0, chance=lambda: next(draws))
    for seed, rank in enumerate((0.3, 0.6)):
        stage.sample.add(found, difference(seed), rank)
    assert [sample.drawn(found) for _ in range(3)] == [0.5, 0.49, None]


def test_every_difference_is_as_likely_to_be_kept(stage: Stage, database: Database, tmp_path: Path) -> None:
    found, rng = stage.challenge(), np.random.default_rng(3)
    kept: Counter[int] = Counter()
    sample = Sample(database, tmp_path, 3, spare_bytes=0, chance=rng.random)
    pictures = [difference(seed) for seed in range(12)]
    for _ in range(40):
        names = {}
        for seed, picture in enumerate(pictures):
            rank = sample.drawn(found)
            if rank is not None:
                names[sample.add(found, picture, rank)] = seed
        kept.update(names[question.id] for question in sample.sheet(found)[0])
        with database.writing() as connection:
            sample.remove(sample.forget(connection, found.id))
    assert sum(kept.values()) == 120 and len(kept) == 12  # 10 each, give or take
    assert max(kept.values()) <= 22


def of_another_crowd(shadow_id: str) -> str:
    """A client who is not in one with `loud`, as one of 64 is by chance."""
    names = (f"quiet-{number}" for number in itertools.count())
    return next(name for name in names if crowd(shadow_id, name) != crowd(shadow_id, "loud"))


def test_who_sends_most_does_not_fill_the_sample_alone(stage: Stage, database: Database, tmp_path: Path) -> None:
    found, rng = stage.challenge(), np.random.default_rng(4)
    sample = Sample(database, tmp_path, 10, spare_bytes=0, chance=rng.random)
    senders: dict[str | None, str] = {}

    def send(seed: int, client: str) -> None:
        rank = sample.drawn(found, client)
        if rank is not None:
            picture = dataclasses.replace(difference(seed), client=client)
            senders[sample.add(found, picture, rank)] = client

    for seed in range(40):
        send(seed, "loud")
    quiet = of_another_crowd(found.id)
    for seed in range(40, 45):
        send(seed, quiet)
    for seed in range(45, 80):
        send(seed, "loud")
    kept = Counter(senders[name] for name in stage.left())
    assert kept == {"loud": 5, quiet: 5}
    assert Counter(senders[question.id] for question in sample.sheet(found)[0]) == kept


def test_a_sheet_takes_from_each_crowd_in_turn(stage: Stage) -> None:
    found = stage.challenge()
    other = of_another_crowd(found.id)
    for seed in range(2 * SHEET):
        stage.sample.add(found, dataclasses.replace(difference(seed), client="loud"), seed / 1000)
    quiet = [
        stage.sample.add(found, dataclasses.replace(difference(100 + seed), client=other), 0.9) for seed in range(3)
    ]
    assert set(quiet) <= {question.id for question in stage.sample.sheet(found)[0]}


def test_a_sheet_is_settled_until_all_of_it_has_labels(stage: Stage) -> None:
    found = stage.challenge()
    stage.differ(SHEET + 3)
    first, more = stage.sample.sheet(found)
    assert (len(first), more) == (SHEET, 3)
    stage.sample.add(found, difference(1000), 0.0)  # it would have been the first
    assert stage.sample.sheet(found) == (first, 4)
    for question in first[:-1]:
        stage.keeper.label("digits", question.id, "3")
        assert len(stage.sample.sheet(stage.look())[0]) < SHEET
    stage.keeper.label("digits", first[-1].id, "3")
    second, more = stage.sample.sheet(stage.look())
    assert (len(second), more) == (4, 0) and not {one.id for one in second} & {one.id for one in first}


def test_what_was_not_asked_can_be_neither_seen_nor_labelled(stage: Stage) -> None:
    found = stage.challenge()
    stage.differ(SHEET + 1)
    shown = {question.id for question in stage.sample.sheet(found)[0]}
    (hidden,) = set(stage.left()) - shown
    with pytest.raises(Conflict, match="not this picture's turn"):
        stage.keeper.label("digits", hidden, "3")
    with pytest.raises(NotFound):
        stage.sample.picture(found, hidden)


@pytest.mark.parametrize(
    "name", ["sh-0a1b2c3d4e5f60718293a4b5", "", "../../etc", "sh-\x00", "rv-0a1b2c3d4e5f60718293a4b5"]
)
def test_an_unknown_picture_is_refused(stage: Stage, name: str) -> None:
    found = stage.challenge()
    with pytest.raises(NotFound):
        stage.keeper.label("digits", name, "3")
    with pytest.raises(NotFound):
        stage.sample.picture(found, name)


def test_which_version_said_what_is_no_matter_of_the_order(stage: Stage) -> None:
    stage.challenge()
    stage.differ(SHEET)
    orders = Counter(question.labels for question in stage.sample.sheet(stage.look())[0])
    assert set(orders) == {("3", "5"), ("5", "3")}  # all alike: once in half a million


def test_nothing_is_kept_for_a_comparison_that_is_over(stage: Stage) -> None:
    found = stage.challenge()
    stage.differ(3)
    stage.keeper.end("digits")
    assert stage.left() == [] and stage.sample.add(found, difference(9), 0.1) is None and stage.left() == []
    assert stage.sample.sheet(stage.look()) == ([], 0)


def test_a_full_disk_is_said_and_leaves_nothing(stage: Stage, database: Database, tmp_path: Path) -> None:
    found = stage.challenge()
    sample = Sample(database, tmp_path, spare_bytes=2**60)
    with pytest.raises(StorageFull):
        sample.add(found, difference(1), 0.5)
    assert stage.left() == []


def test_a_sweep_takes_what_is_over_and_leaves_what_goes_on(stage: Stage, database: Database) -> None:
    found = stage.challenge()
    stage.differ(2)
    kept = stage.left()
    assert stage.sample.sweep() == [] and stage.left() == kept
    with database.writing() as connection:  # a process died between the row and the pictures
        connection.exec_driver_sql("UPDATE shadows SET ended_at = 1.0")
    assert sorted(stage.sample.sweep()) == kept and stage.left() == []
    assert stage.sample.sheet(found) == ([], 0)


def test_readings_are_as_they_were_said(stage: Stage) -> None:
    found = stage.challenge()
    stage.sample.add(found, difference(1, Readings("1", "7", 0.25, 0.5)), 0.5)
    (question,) = stage.sample.sheet(found)[0]
    with stage.database.writing() as connection:
        assert stage.sample.answered(connection, found, question.id, "7") == Readings("1", "7", 0.25, 0.5)
