"""Corrections that a job leaves out, or that a rejected one had learned: they are held back for a person to look at."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from app.feedback import lineage
from app.feedback.held import Chosen, HeldBack
from app.feedback.lineage import Lineage
from app.feedback.share import ALWAYS
from app.feedback.store import FeedbackStore
from app.jobs import corrections
from app.jobs.attempt import Attempt
from app.jobs.folder import AttemptFolders
from app.jobs.job import FEEDBACK, Job, State
from app.jobs.leases import Leases
from app.jobs.promotion import Promoter
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.handover import GIVERS
from tests.support.correcting import Teacher, kept, put
from tests.support.ordered import order
from tests.support.played import EPOCH, RESULT, Played, World

ORDER = order(training_file=FEEDBACK)
REJECTED = {**RESULT, "accepted": False, "gate": "rejected: a mark turns other pictures"}


def found(*names: str) -> list[dict[str, str]]:
    """What a training says of corrections that it holds back."""
    return [{"name": f"7/{name}.png", "reason": "alike", "group": "They are copies."} for name in names]


def holding(*names: str, learned: bool = False) -> Callable[[Connection, Job], None]:
    """What `along` does where a training says so."""
    return partial(corrections.hold, rows=found(*names), learned=learned)


def test_the_training_is_told_who_gave_which(
    feedback: FeedbackStore, store: JobStore, teacher: Teacher, database: Database
) -> None:
    """By names of this job, which say nothing of anybody; what a person has looked at is nobody's to judge."""
    givers = ["addr:a", "key:b", "addr:a", None, "local"]
    names = [put(feedback, seed, "7", giver=giver) for seed, giver in enumerate(givers)]
    store.add(ORDER)
    job = teacher.claimed()
    assert teacher.leases.along(job, holding(names[0]))  # not given yet
    told = json.loads((teacher.teach(job) / GIVERS).read_text())
    assert told == {names[0]: "g1", names[1]: "g2", names[2]: "g1", names[4]: "g3"}
    assert teacher.leases.along(job, holding(names[0]))
    assert HeldBack(database, feedback).release(Chosen(ids=[names[0]])) == 1
    teacher.succeed(job)
    store.add(ORDER)
    again = json.loads((teacher.teach(teacher.claimed()) / GIVERS).read_text())
    assert again == {names[0]: "", names[1]: "g1", names[2]: "g2", names[4]: "g3"}


def test_what_a_training_finds_waits_for_a_person(feedback: FeedbackStore, store: JobStore, teacher: Teacher) -> None:
    names = [put(feedback, seed, "7", giver="addr:a") for seed in range(4)]
    waits = store.add(ORDER)
    job = teacher.claimed()
    teacher.teach(job)
    feedback.add("digits", "8", kept(2), read_by=None, read_as=None)  # it has another label by now
    rows = [*found(*names[:3]), *found("fb-unknown", "", "../../etc/passwd")]
    for _ in range(2):  # to say it twice changes nothing
        assert teacher.leases.along(job, partial(corrections.hold, rows=rows, learned=False))
    held = [feedback.get(name) for name in names[:2]]
    assert [(one.held, one.held_by, one.held_group) for one in held] == [("alike", job.id, "They are copies.")] * 2
    assert feedback.held("digits") == 2 and feedback.waiting("digits") == 2
    said = [event.message for event in store.events(waits.id, 20)[0] if event.level == "warn"]
    assert said == [
        "2 corrections are held back until a person has looked: see the page /held, or GET /v1/feedback/held."
    ]
    assert teacher.leases.release(job, "again", counts=False)
    assert teacher.given(teacher.claimed()) == {f"7/{names[3]}.png": "7"}  # the next attempt learns the rest


def test_what_is_let_go_of_while_a_job_runs_is_the_next_ones(
    feedback: FeedbackStore, store: JobStore, teacher: Teacher, database: Database
) -> None:
    first, second = put(feedback, 1, "7"), put(feedback, 2, "7")
    store.add(ORDER)
    job = teacher.claimed()
    teacher.teach(job)
    assert teacher.leases.along(job, holding(first))
    assert HeldBack(database, feedback).release(Chosen(ids=[first])) == 1
    assert teacher.leases.along(job, holding(first))  # its training says it again: a person has looked
    assert teacher.leases.release(job, "again", counts=False)
    again = teacher.claimed()
    assert teacher.given(again) == {f"7/{second}.png": "7"}  # what it learns was settled when it was made
    teacher.succeed(again)
    assert (feedback.get(first).job, feedback.waiting("digits"), feedback.held("digits")) == (None, 1, 0)
    store.add(ORDER)
    assert len(teacher.given(teacher.claimed())) == 2


def test_a_job_that_was_lost_holds_nothing_back(feedback: FeedbackStore, store: JobStore, teacher: Teacher) -> None:
    name = put(feedback, 1, "7")
    store.add(ORDER)
    old = teacher.claimed()
    teacher.teach(old)
    assert teacher.leases.release(old, "lost", counts=True)
    teacher.claimed()
    assert not teacher.leases.along(old, holding(name))
    assert feedback.held("digits") == 0


def test_only_what_is_new_is_held_when_a_job_is_rejected(
    feedback: FeedbackStore, store: JobStore, teacher: Teacher, database: Database
) -> None:
    good, changed = put(feedback, 1, "7"), put(feedback, 2, "7")
    store.add(ORDER)
    job = teacher.claimed()
    teacher.teach(job)
    teacher.succeed(job)
    bad = put(feedback, 3, "1")
    feedback.add("digits", "1", kept(2), read_by=None, read_as=None)
    rejected = store.add(ORDER)
    job = teacher.claimed()
    teacher.teach(job)
    teacher.succeed(job, "digits@3", accepted=False)
    assert {one.id for one in feedback.chosen("digits", held=True)} == {bad, changed}  # a new label is a new word
    assert feedback.get(good).held is None
    assert feedback.get(bad).held_group == "The gate rejected digits@3, which had learned them"
    events = list(store.events(rejected.id, 20)[0])
    assert events[-1].type == "state" and "2 corrections are held back, because" in events[-2].message
    assert HeldBack(database, feedback).release(Chosen(same={"job": rejected.id})) == 2
    assert feedback.held("digits") == 0 and feedback.waiting("digits") == 2


def test_where_a_training_names_those_to_blame_the_others_wait_for_another_job(
    feedback: FeedbackStore, store: JobStore, teacher: Teacher
) -> None:
    good, bad = put(feedback, 1, "7"), put(feedback, 2, "7")
    store.add(ORDER)
    job = teacher.claimed()
    teacher.teach(job)
    assert teacher.leases.along(job, holding(bad, learned=True))
    teacher.succeed(job, accepted=False)
    assert (feedback.get(good).held, feedback.get(bad).held) == (None, "alike") and feedback.waiting("digits") == 1
    assert [learner.version for learner in teacher.lineage.of(bad).learners] == ["digits@2"]  # it had learned both
    store.add(ORDER)
    assert teacher.given(teacher.claimed()) == {f"7/{good}.png": "7"}


def test_what_is_over_a_givers_share_waits_for_the_next_job(
    feedback: FeedbackStore, store: JobStore, teacher: Teacher
) -> None:
    for seed in range(ALWAYS + 20):
        put(feedback, seed, "7", giver="addr:a")
    assert teacher.lessons.per_label("digits") == {"7": ALWAYS}
    for more in (ALWAYS, 20):
        store.add(ORDER)
        job = teacher.claimed()
        assert len(teacher.given(job)) == ALWAYS
        teacher.succeed(job, f"digits@{more}")
        assert feedback.waiting("digits") == ALWAYS + 20 - more - (ALWAYS if more == 20 else 0)
    assert (
        teacher.said
        == ["20 corrections wait for the next job: one learns from each giver 25% of its pictures at most, or 50."] * 2
    )


def attempted(world: World, names: list[str], *steps: Any) -> Job:
    """A job that is given these corrections, after an attempt at which its training says all this."""
    world.store.cancel("ftjob-1")
    asked = world.store.add(order(training_file=FEEDBACK))
    with world.database.writing() as connection:
        lineage.teach(connection, asked.id, "digits", asked.created_at, names)
    leases = Leases(world.database, on_success=corrections.mark)
    job = leases.claim("me")
    assert job is not None
    world.played = Played(*steps)
    folders = AttemptFolders(world.root, world.path_of, lambda job, target: target.touch())
    Attempt(job, leases, world.played, Promoter(world.registry), folders, 60, clock=lambda: world.now).run(world.wait)
    return world.store.get(asked.id)


def said(*names: str) -> dict[str, Any]:
    return {"event": "held", "rows": found(*names)}


def test_it_holds_back_what_is_found_before_and_after_it_learned(world: World, tmp_path: Path) -> None:
    feedback = FeedbackStore(world.database, tmp_path / "state")
    names = [put(feedback, seed, "7") for seed in range(3)]
    before, after = said(names[0]), said(names[1])
    job = attempted(world, names, before, before, EPOCH, after, {"event": "ready"}, None, REJECTED, 0)
    assert job.state == State.SUCCEEDED
    assert [feedback.get(name).held for name in names] == ["alike", "alike", None]
    learners = [Lineage(world.database, world.registry).of(name).learners for name in names]
    assert [len(those) for those in learners] == [0, 1, 1]


def test_it_holds_back_where_nothing_is_left_to_learn(world: World, tmp_path: Path) -> None:
    feedback = FeedbackStore(world.database, tmp_path / "state")
    names = [put(feedback, seed, "7") for seed in range(3)]
    error = {"event": "error", "code": "too_few_examples", "text": "Too few are left."}
    job = attempted(world, names, said(*names), error, 2)
    assert job.state == State.FAILED and feedback.held("digits") == 3 and feedback.waiting("digits") == 0


def test_rows_that_make_no_sense_change_nothing(world: World, tmp_path: Path) -> None:
    feedback = FeedbackStore(world.database, tmp_path / "state")
    names = [put(feedback, 1, "7")]
    odd = {"event": "held", "rows": [{"name": "../x"}, {}, {"name": None}, {"name": "7/fb-\u0000.png"}]}
    job = attempted(world, names, odd, {"event": "ready"}, None, RESULT, 0)
    assert job.state == State.SUCCEEDED and feedback.get(names[0]).held is None
