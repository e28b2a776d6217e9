"""Jobs that learn from corrections: what they are given, and what is noted of it when they end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.errors import NotFound
from app.feedback.store import FeedbackStore
from app.jobs import corrections
from app.jobs.job import FEEDBACK, State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.recipe import Recipe
from models_store.registry import Registry
from tests.support.correcting import Teacher, kept, put
from tests.support.jobs_http import RESULT, Service, serving
from tests.support.ordered import order

ORDER = order(training_file=FEEDBACK)


@pytest.fixture
async def service(database: Database, registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(database, registry, tmp_path / "state") as running:
        yield running


async def test_a_job_names_them_in_the_place_of_a_file(service: Service, feedback: FeedbackStore) -> None:
    for seed in range(5):
        put(feedback, seed, "71"[seed % 2])
        put(feedback, seed, "x", model="letters")
    answer = await service.create(training_file=FEEDBACK)
    assert (answer.status_code, answer.json()["training_file"]) == (201, "feedback")
    asked = service.store.get(answer.json()["id"]).spec
    assert Recipe.from_json(asked.recipe).data.path == FEEDBACK and asked.base == "digits@1"


async def test_what_is_wrong_is_said_at_once(service: Service, feedback: FeedbackStore) -> None:
    for seed in range(4):
        put(feedback, seed, "7")
    answer = await service.create(training_file=FEEDBACK)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_few_examples")
    assert "4 usable pictures" in answer.json()["detail"]
    put(feedback, 4, "7")
    both = await service.create(training_file=FEEDBACK, validation_file=FEEDBACK)
    assert (both.status_code, both.json()["error"]["param"]) == (422, "validation_file")
    judged = await service.create(training_file=service.file, validation_file=FEEDBACK)
    assert (judged.status_code, judged.json()["code"]) == (422, "feedback_not_offered")
    put(feedback, 5, "odd")
    assert (await service.create(training_file=FEEDBACK)).json()["code"] == "label_unknown"


def test_an_attempt_gets_those_that_are_there_then(feedback: FeedbackStore, store: JobStore, teacher: Teacher) -> None:
    first, second = put(feedback, 1, "7"), put(feedback, 2, "1")
    put(feedback, 3, "a", model="letters")
    store.add(ORDER)
    put(feedback, 4, "7")  # too late for this job
    job = teacher.claimed()
    assert teacher.given(job) == {f"7/{first}.png": "7", f"1/{second}.png": "1"}
    teacher.leases.release(job, "again", counts=False)
    feedback.delete(second)
    again = teacher.claimed()
    assert teacher.given(again) == {f"7/{first}.png": "7"}
    teacher.leases.release(again, "again", counts=False)
    feedback.delete(first)
    with pytest.raises(NotFound, match="deleted or held back"):
        teacher.given(teacher.claimed())


@pytest.mark.parametrize("accepted", [True, False])
def test_what_was_learned_or_rejected_is_noted(
    feedback: FeedbackStore, store: JobStore, teacher: Teacher, accepted: bool
) -> None:
    put(feedback, 1, "7")
    changed = put(feedback, 2, "1")
    store.add(ORDER)
    job = teacher.claimed()
    put(feedback, 3, "7")
    teacher.teach(job)
    feedback.add("digits", "8", kept(2), read_by=None, read_as=None)  # while it learns that it is a 1
    assert teacher.leases.publish(job) and feedback.waiting("digits") == 3
    assert teacher.leases.succeed(job, {**RESULT, "accepted": accepted})
    assert [one.job for one in feedback.chosen("digits", held=None)] == [job.id, None, None]
    assert [one.held for one in feedback.chosen("digits", held=None)] == [None if accepted else "rejected", None, None]
    assert feedback.get(changed).label == "8" and feedback.waiting("digits") == 2


def test_nothing_is_noted_of_a_job_that_did_not_learn_from_them(
    feedback: FeedbackStore, store: JobStore, teacher: Teacher, database: Database
) -> None:
    one = put(feedback, 1, "7")
    failed = store.add(ORDER)
    job = teacher.claimed()
    teacher.teach(job)
    assert teacher.leases.fail(job, "x", "It failed.")
    store.cancel(store.add(ORDER).id)
    store.add(order(training_file=FEEDBACK, publish_to="digits-mine"))  # teaches another model
    mine = teacher.claimed()
    teacher.teach(mine)
    teacher.succeed(mine, "digits-mine@1", accepted=False)
    lost = store.add(ORDER)
    old = teacher.claimed()
    assert teacher.leases.publish(old) and teacher.leases.release(old, "lost", counts=True)
    teacher.claimed()
    assert not teacher.leases.succeed(old, RESULT)  # another has it by now
    assert [store.get(job.id).state for job in (failed, lost)] == [State.FAILED, State.PUBLISHING]
    assert feedback.waiting("digits") == 1 and feedback.held("digits") == 0
    corrections.forget(database)
    assert [learner.version for learner in teacher.lineage.of(one).learners] == ["digits-mine@1"]


def test_success_and_note_are_one(
    feedback: FeedbackStore, store: JobStore, database: Database, teacher: Teacher
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    put(feedback, 1, "7")
    store.add(ORDER)
    job = teacher.claimed()
    teacher.teach(job)
    assert teacher.leases.publish(job)
    with pytest.raises(KeyboardInterrupt):
        Leases(database, on_success=killed).succeed(job, RESULT)
    assert store.get(job.id).state == State.PUBLISHING and feedback.waiting("digits") == 1
    assert teacher.leases.succeed(job, RESULT)
    assert store.get(job.id).state == State.SUCCEEDED and feedback.waiting("digits") == 0
