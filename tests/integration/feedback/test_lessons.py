"""What a job learns: what stood when it was made, of each giver a share."""

from pathlib import Path

from app.feedback import lineage
from app.feedback.lessons import Lesson, Lessons
from app.feedback.lineage import Lineage
from app.feedback.share import ALWAYS
from app.feedback.store import FeedbackStore
from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.correcting import put


def test_of_each_giver_a_share(database: Database, registry: Registry, tmp_path: Path) -> None:
    store, traces = FeedbackStore(database, tmp_path / "state"), Lineage(database, registry)
    names = [put(store, seed, "71"[seed % 2], giver="key:a") for seed in range(ALWAYS + 10)]
    limited, free = Lessons(store, traces, 0.25), Lessons(store, traces, 1.0)
    lesson = limited.of("digits")
    assert (len(lesson.taken), lesson.waiting) == (ALWAYS, 10)
    assert limited.per_label("digits") == {"1": 25, "7": 25} and free.of("digits").waiting == 0
    assert limited.of("letters") == Lesson([], 0) and limited.per_label("letters") == {}
    assert len(limited.of("digits", until=store.get(names[19]).changed_at).taken) == 20


def test_what_serves_already_is_learned_again_whole(database: Database, registry: Registry, tmp_path: Path) -> None:
    store, traces = FeedbackStore(database, tmp_path / "state"), Lineage(database, registry)
    names = [put(store, seed, "7", giver="key:a") for seed in range(ALWAYS + 30)]
    lessons = Lessons(store, traces, 0.25)
    republished(registry, parent="digits@1")
    with database.writing() as connection:
        lineage.teach(connection, "ftjob-1", "digits", 1e12, names[: ALWAYS + 20])
        lineage.made(connection, "ftjob-1", "digits@2", "digits@1", accepted=True)
    assert len(lessons.of("digits").taken) == ALWAYS
    registry.promote("digits", 2, expected=1)
    assert len(lessons.of("digits").taken) == ALWAYS + 30


def test_what_waits_is_said() -> None:
    assert Lesson([], 0).said(0.25) == ""
    assert Lesson([], 1).said(0.25).startswith("1 correction waits for the next job")
    assert "25% of its pictures at most, or 50" in Lesson([], 1200).said(0.25)
    assert Lesson([], 1200).said(0.25).startswith("1,200 corrections wait")
