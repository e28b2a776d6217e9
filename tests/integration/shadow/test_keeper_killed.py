"""Processes that die between two steps of a challenger, and several that come at once, on both databases."""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import Conflict, NotFound
from app.shadow.keeper import ShadowKeeper
from app.shadow.mcnemar import Labels, lead
from app.shadow.record import Phase
from app.shadow.sample import Sample
from app.storage.db import Database
from models_store.registry import Registry
from tests.integration.shadow.shadowing import PAIR, Stage
from tests.support.patience import PATIENCE_SECONDS


@pytest.fixture
def stage(registry: Registry, database: Database, tmp_path: Path) -> Stage:
    return Stage.of(registry, database, tmp_path)


@pytest.mark.parametrize("act", ["promote", "unalias"])
def test_a_process_that_died_between_two_steps_is_followed_by_another(stage: Stage, act: str, tmp_path: Path) -> None:
    """The label is in its row, and the store was not reached: whoever looks next goes on."""
    stage.challenge()
    stage.differ(lead())
    label = "5" if act == "promote" else "3"
    stage.label(label, lead() - 1)
    dying = ShadowKeeper(stage.registry, stage.database, stage.sample)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.registry, act, _dies)
        (question,) = stage.sample.sheet(stage.look())[0]
        with pytest.raises(KeyboardInterrupt):
            dying.label("digits", question.id, label)
    assert stage.aliases() == {"champion": 1, "challenger": 2}
    other = ShadowKeeper(stage.registry, stage.database, Sample(stage.database, tmp_path, spare_bytes=0))
    found = other.look("digits")
    assert found is not None and found.phase is (Phase.PROMOTED if act == "promote" else Phase.ENDED)
    assert stage.aliases()["champion"] == (2 if act == "promote" else 1)


def test_a_process_that_died_right_after_the_promotion_is_followed_by_another(stage: Stage) -> None:
    stage.challenge()
    stage.differ(lead())
    stage.label("5", lead() - 1)
    (question,) = stage.sample.sheet(stage.look())[0]
    promote = stage.registry.promote

    def dies_after(*arguments: object, **options: object) -> object:
        promote(*arguments, **options)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.registry, "promote", dies_after)
        with pytest.raises(KeyboardInterrupt):
            stage.keeper.label("digits", question.id, "5")
    assert stage.aliases() == {"champion": 2, "previous": 1, "challenger": 2}
    assert stage.look().phase is Phase.PROMOTED and "so it was promoted" in str(stage.look().why)
    assert stage.aliases() == {"champion": 2, "previous": 1, "challenger": 1}


def test_many_processes_begin_one_comparison_and_count_every_label(stage: Stage, database: Database) -> None:
    stage.registry.promote("digits", 2, expected=None, alias="challenger")
    seen: list[str] = []

    def begin() -> None:
        keeper = ShadowKeeper(Registry(stage.registry.root), database, stage.sample)
        found = keeper.count(PAIR, 10, 1)
        assert found is not None
        seen.append(found.id)

    _together(begin, 4)
    assert len(set(seen)) == 1 and len(seen) == 4 and stage.look().compared == 40
    stage.differ(8)
    questions, _ = stage.sample.sheet(stage.look())
    left = [question.id for question in questions]
    _together(lambda: stage.keeper.label("digits", left.pop(), "5"), 8)
    assert stage.look().labels == Labels(0, 8, 0)


def test_two_who_say_the_last_label_promote_once(stage: Stage) -> None:
    stage.challenge()
    stage.differ(lead() + 1)
    stage.label("5", lead() - 1)
    questions = list(stage.sample.sheet(stage.look())[0])

    def last() -> None:
        with contextlib.suppress(Conflict, NotFound):  # it was decided before
            stage.keeper.label("digits", questions.pop().id, "5")

    _together(last, 2)
    assert stage.aliases() == {"champion": 2, "previous": 1, "challenger": 1}
    assert stage.look().phase is Phase.PROMOTED and stage.look().labels == Labels()


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def _together(work: Callable[[], object], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert not any(thread.is_alive() for thread in threads)
