"""Whoever answers never waits for what is compared, and hears of nothing that goes wrong with it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.errors import DatabaseUnavailable
from app.shadow.collector import Collector
from app.shadow.record import Pair, Shadow
from app.storage.db import Database
from models_store.pictures.stripped import Stripped, strip
from models_store.registry import Registry
from tests.integration.shadow.shadowing import PAIR, Stage
from tests.support.patience import wait_until
from tests.support.pictures import png
from tests.unit.models_store.datasets.test_clean import unit

Unlike = tuple[bytes, str, str, float, float, str]


@pytest.fixture
def stage(registry: Registry, database: Database, tmp_path: Path) -> Stage:
    return Stage.of(registry, database, tmp_path)


@contextmanager
def collecting(stage: Stage, pack: Callable[[bytes], Stripped] = strip) -> Iterator[Collector]:
    made = Collector(stage.keeper, stage.sample, pack, flush_seconds=0)
    yield made
    made.close()


def unlike(*seeds: int) -> list[Unlike]:
    return [(png(unit(seed)), "3", "5", 0.75, 0.875, "somebody") for seed in seeds]


def take(made: Collector, compared: int, *seeds: int, pair: Pair = PAIR) -> None:
    made.take(pair.model, pair.champion, pair.challenger, compared, unlike(*seeds))


def test_counts_and_pictures_are_written_down(stage: Stage) -> None:
    stage.challenge()
    with collecting(stage) as made:
        take(made, 10, 1)
        take(made, 6, 2, 3)
        wait_until(lambda: len(stage.left()) == 3)
    assert (stage.look().compared, stage.look().differed) == (16, 3)
    assert {question.labels for question in stage.sample.sheet(stage.look())[0]} <= {("3", "5"), ("5", "3")}


def test_what_comes_together_is_one_write(stage: Stage) -> None:
    stage.challenge()
    with collecting(stage) as made:
        blocked = threading.Event()
        made._thread.submit(blocked.wait)
        for _ in range(50):
            take(made, 4)
        counted = stage.keeper.count
        with pytest.MonkeyPatch.context() as patch:
            calls: list[int] = []

            def count(pair: Pair, compared: int, differed: int) -> Shadow | None:
                calls.append(compared)
                return counted(pair, compared, differed)

            patch.setattr(stage.keeper, "count", count)
            blocked.set()
            wait_until(lambda: stage.look().compared == 200)
        assert calls == [200]


def test_what_is_of_other_versions_is_let_go(stage: Stage) -> None:
    stage.challenge()
    with collecting(stage) as made:
        take(made, 9, 1, pair=Pair("digits", 1, 3))
        take(made, 5, 2)
        wait_until(lambda: len(stage.left()) == 1)
    assert (stage.look().compared, stage.look().differed) == (5, 1)


def test_what_goes_wrong_is_logged_once_and_the_next_goes_on(stage: Stage) -> None:
    stage.challenge()
    fails = [True, True]

    def pack(image: bytes) -> Stripped:
        if fails:
            fails.pop()
            raise DatabaseUnavailable("database_unavailable", "The database is away.")
        return strip(image)

    with capture_logs() as logs, collecting(stage, pack) as made:
        take(made, 3, 1, 2, 3)
        wait_until(lambda: len(stage.left()) == 1)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["not_compared"]


def test_a_mistake_of_ours_ends_nothing(stage: Stage) -> None:
    stage.challenge()
    fails = [True]

    def pack(image: bytes) -> Stripped:
        if fails:
            fails.pop()
            raise ZeroDivisionError
        return strip(image)

    with capture_logs() as logs, collecting(stage, pack) as made:
        take(made, 2, 1, 2)
        wait_until(lambda: len(stage.left()) == 1)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["unforeseen"]


def test_beyond_what_may_wait_pictures_are_dropped_and_still_counted(stage: Stage) -> None:
    stage.challenge()
    with capture_logs() as logs, collecting(stage) as made:
        blocked = threading.Event()
        made._thread.submit(blocked.wait)
        for _ in range(3):
            made.take("digits", 1, 2, 100, unlike(1) * 100)
        assert len(made._waiting) == 128
        blocked.set()
        wait_until(lambda: stage.look().compared == 300)
    assert stage.look().differed == 300 and len(stage.left()) == 1  # the same picture
    assert [line["count"] for line in logs if line["event"] == "differences_dropped"] == [172]


def test_after_its_end_nothing_is_taken(stage: Stage) -> None:
    stage.challenge()
    with collecting(stage) as made:
        pass
    take(made, 3, 1)
    assert stage.look().compared == 0 and stage.left() == []
