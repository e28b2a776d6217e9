"""Jobs that learn from corrections: what they are given, and what is noted of it when they end."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from app.errors import NotFound
from app.feedback.store import FeedbackStore
from app.jobs import corrections
from app.jobs.folder import AttemptFolders
from app.jobs.job import FEEDBACK, Job, State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.datasets import formats
from models_store.datasets.rows import Row
from models_store.recipe import Recipe
from models_store.registry import Registry
from tests.support.correcting import kept, put
from tests.support.jobs_http import RESULT, Service, serving
from tests.support.ordered import order

ORDER = order(training_file=FEEDBACK)


@pytest.fixture
def feedback(database: Database, tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(database, tmp_path / "state")


@pytest.fixture
def leases(database: Database) -> Leases:
    return Leases(database, on_success=corrections.mark)


@pytest.fixture
async def service(database: Database, registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(database, registry, tmp_path / "state") as running:
        yield running


def claimed(leases: Leases) -> Job:
    job = leases.claim("worker-1")
    assert job is not None
    return job


def given(feedback: FeedbackStore, job: Job, root: Path) -> Mapping[str, str]:
    """What the training of this attempt would read: digests and labels."""
    write = partial(corrections.write, feedback)
    folder = AttemptFolders(root, lambda _: pytest.fail("no file is asked for"), write).prepare(job)
    rows = list(formats.read(folder / FEEDBACK))
    return {row.where: row.label for row in rows if isinstance(row, Row)}


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


def test_an_attempt_gets_those_that_are_there_then(
    feedback: FeedbackStore, store: JobStore, leases: Leases, tmp_path: Path
) -> None:
    first, second = put(feedback, 1, "7"), put(feedback, 2, "1")
    put(feedback, 3, "a", model="letters")
    store.add(ORDER)
    put(feedback, 4, "7")  # too late for this job
    job = claimed(leases)
    assert given(feedback, job, tmp_path / "jobs") == {f"7/{first}.png": "7", f"1/{second}.png": "1"}
    leases.release(job, "again", counts=False)
    feedback.delete(second)
    again = claimed(leases)
    assert given(feedback, again, tmp_path / "jobs") == {f"7/{first}.png": "7"}
    leases.release(again, "again", counts=False)
    feedback.delete(first)
    with pytest.raises(NotFound, match="are deleted"):
        given(feedback, claimed(leases), tmp_path / "jobs")


@pytest.mark.parametrize("accepted", [True, False])
def test_what_was_learned_or_rejected_is_noted(
    feedback: FeedbackStore, store: JobStore, leases: Leases, accepted: bool
) -> None:
    put(feedback, 1, "7")
    changed = put(feedback, 2, "1")
    store.add(ORDER)
    job = claimed(leases)
    put(feedback, 3, "7")
    feedback.add("digits", "8", kept(2), read_by=None, read_as=None)  # while it learns that it is a 1
    assert leases.publish(job) and feedback.waiting("digits") == 3
    assert leases.succeed(job, {**RESULT, "accepted": accepted})
    assert [one.job for one in feedback.chosen("digits")] == [job.id, None, None]
    assert feedback.get(changed).label == "8" and feedback.waiting("digits") == 2


def test_nothing_is_noted_of_a_job_that_did_not_learn_from_them(
    feedback: FeedbackStore, store: JobStore, leases: Leases, database: Database
) -> None:
    put(feedback, 1, "7")
    failed = store.add(ORDER)
    assert leases.fail(claimed(leases), "x", "It failed.")
    store.cancel(store.add(ORDER).id)
    store.add(order(training_file=FEEDBACK, publish_to="digits-mine"))  # teaches another model
    mine = claimed(leases)
    assert leases.publish(mine) and leases.succeed(mine, RESULT)
    lost = store.add(ORDER)
    old = claimed(leases)
    assert leases.publish(old) and leases.release(old, "lost", counts=True)
    claimed(leases)
    assert not leases.succeed(old, RESULT)  # another has it by now
    assert [store.get(job.id).state for job in (failed, lost)] == [State.FAILED, State.PUBLISHING]
    assert feedback.waiting("digits") == 1


def test_success_and_note_are_one(feedback: FeedbackStore, store: JobStore, database: Database) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    put(feedback, 1, "7")
    store.add(ORDER)
    leases = Leases(database, on_success=killed)
    job = claimed(leases)
    assert leases.publish(job)
    with pytest.raises(KeyboardInterrupt):
        leases.succeed(job, RESULT)
    assert store.get(job.id).state == State.PUBLISHING and feedback.waiting("digits") == 1
    assert Leases(database, on_success=corrections.mark).succeed(job, RESULT)
    assert store.get(job.id).state == State.SUCCEEDED and feedback.waiting("digits") == 0
