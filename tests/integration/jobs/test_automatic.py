"""Jobs that start by themselves: one when enough corrections wait, whoever looks, and none again for the same ones."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.errors import DatabaseUnavailable
from app.feedback.held import Chosen, HeldBack
from app.feedback.store import FeedbackStore
from app.files.store import FileStore
from app.jobs import corrections
from app.jobs.automatic import AutomaticJobs
from app.jobs.builder import JobBuilder
from app.jobs.folder import AttemptFolders
from app.jobs.housekeeping import Housekeeping
from app.jobs.job import FEEDBACK, Job
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.correcting import Teacher, kept, put
from tests.support.jobs_http import RESULT, serving
from tests.support.ordered import order
from tests.support.patience import PATIENCE_SECONDS

AFTER = 6


class Loop:
    """What a process knows of corrections and jobs; another one on the same database knows the same."""

    def __init__(
        self, database: Database, state: Path, registry: Registry, after: int = AFTER, promote: str = "never"
    ) -> None:
        self.database = database
        self.feedback = FeedbackStore(database, state)
        self.jobs = JobStore(database)
        self.leases = Leases(database, on_success=corrections.mark)
        self.teacher = Teacher(database, self.feedback, registry, state / "jobs")
        files = FileStore(database, state)
        builder = JobBuilder(registry, files, self.teacher.lessons.per_label, min_accuracy=0.8)
        self.automatic = AutomaticJobs(self.jobs, builder, self.feedback.waiting, "digits", after, promote)
        self._seed = 0

    def correct(self, count: int, label: str = "7") -> None:
        for _ in range(count):
            self._seed += 1
            put(self.feedback, self._seed, label)

    def made(self) -> list[Job]:
        """All jobs, the newest first, after another look."""
        self.automatic.look()
        return list(self.jobs.list(100)[0])

    def claimed(self) -> Job:
        job = self.leases.claim("worker-1")
        assert job is not None
        return job

    def succeed(self, accepted: bool = True) -> None:
        job = self.claimed()
        self.teacher.teach(job)
        assert self.leases.publish(job) and self.leases.succeed(job, {**RESULT, "accepted": accepted})


@pytest.fixture
def loop(database: Database, tmp_path: Path, registry: Registry) -> Iterator[Loop]:
    yield Loop(database, tmp_path / "state", registry)


def test_one_starts_when_enough_wait(loop: Loop, registry: Registry) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    loop.correct(AFTER - 1)
    assert loop.made() == []
    loop.correct(1)
    (job,) = loop.made()
    assert (job.spec.base, job.spec.model, job.spec.training_file) == ("digits@2", "digits", FEEDBACK)
    assert job.spec.promote == "never" and job.spec.metadata == {"started_by": "feedback"}
    loop.correct(3 * AFTER)
    assert len(loop.made()) == 1  # while it waits
    loop.claimed()
    assert len(loop.made()) == 1  # while it runs


def test_fifty_looks_of_several_processes_start_one(loop: Loop, url: str, tmp_path: Path, registry: Registry) -> None:
    loop.correct(AFTER)
    with ExitStack() as stack:
        others = [stack.enter_context(closing(Database(url, PATIENCE_SECONDS))) for _ in range(4)]
        loops = [loop, *(Loop(database, tmp_path / "state", registry) for database in others)]
        with ThreadPoolExecutor(50) as threads:
            for future in [threads.submit(loops[number % 5].automatic.look) for number in range(50)]:
                future.result()
    assert len(loop.jobs.list(100)[0]) == 1


@pytest.mark.parametrize("accepted", [True, False])
def test_after_one_that_learned_only_new_ones_count(loop: Loop, accepted: bool) -> None:
    loop.correct(AFTER)
    assert len(loop.made()) == 1
    loop.correct(AFTER - 1)  # came meanwhile
    loop.succeed(accepted)
    assert len(loop.made()) == 1
    loop.correct(1)
    assert len(loop.made()) == 2
    loop.correct(AFTER)
    loop.succeed()
    assert len(loop.made()) == 3  # they came while it ran


@pytest.mark.parametrize("how", ["fails", "is cancelled", "is paused"])
def test_one_that_did_not_learn_is_not_repeated_for_the_same(loop: Loop, how: str) -> None:
    loop.correct(AFTER)
    (job,) = loop.made()
    if how == "fails":
        assert loop.leases.fail(loop.claimed(), "x", "It failed.")
    elif how == "is cancelled":
        loop.jobs.cancel(job.id)
    else:
        loop.jobs.pause(job.id)
    assert len(loop.made()) == 1
    loop.correct(AFTER - 1)
    assert len(loop.made()) == 1
    loop.correct(1)
    assert len(loop.made()) == (1 if how == "is paused" else 2)


def test_a_look_that_was_slow_starts_no_second_one(loop: Loop) -> None:
    """It looked before there was a job, and goes on when that has come to its end."""
    loop.correct(AFTER)
    assert len(loop.made()) == 1
    loop.succeed()
    loop.automatic._start("corrections of digits after none")
    assert len(loop.jobs.list(100)[0]) == 1


def test_what_somebody_had_learned_by_hand_is_not_learned_again(loop: Loop) -> None:
    loop.correct(AFTER - 1)
    loop.jobs.add(order(training_file=FEEDBACK))
    loop.succeed()
    loop.correct(AFTER - 1)
    assert len(loop.made()) == 1
    loop.correct(1)
    assert len(loop.made()) == 2


def test_a_new_word_on_an_old_picture_counts(loop: Loop) -> None:
    loop.correct(AFTER)
    assert len(loop.made()) == 1
    loop.succeed()
    for seed in range(1, AFTER + 1):
        loop.feedback.add("digits", "9", kept(seed), read_by=None, read_as=None)
    assert len(loop.made()) == 2


def test_another_models_corrections_start_none(loop: Loop) -> None:
    for seed in range(2 * AFTER):
        put(loop.feedback, seed, "7", model="letters")
    assert loop.made() == []


def test_it_is_off_where_nobody_set_it(database: Database, tmp_path: Path, registry: Registry) -> None:
    off = Loop(database, tmp_path / "state", registry, after=0)
    off.correct(AFTER)
    assert off.made() == []


def test_why_none_can_be_made_is_logged_once(database: Database, tmp_path: Path, registry: Registry) -> None:
    few = Loop(database, tmp_path / "state", registry, after=2)
    few.correct(3)
    with capture_logs() as logs:
        assert [few.made() for _ in range(3)] == [[], [], []]
        few.correct(1)
        few.made()
    warned = [log["why"] for log in logs if log["event"] == "job_not_started"]
    assert len(warned) == 2 and "add 2 or more" in warned[0] and "add 1 or more" in warned[1]
    few.correct(1)
    assert len(few.made()) == 1


def test_the_worker_looks_and_nothing_stops_it(loop: Loop, tmp_path: Path) -> None:
    def house(automatic: AutomaticJobs) -> Housekeeping:
        folders = AttemptFolders(tmp_path / "jobs", lambda _: tmp_path / "upload")
        return Housekeeping(loop.leases, folders, 7, start=automatic.look)

    loop.correct(AFTER)
    down = AutomaticJobs(loop.jobs, loop.automatic._builder, _down, "digits", AFTER)
    house(down).look()
    assert loop.jobs.list(1) == ([], False)
    house(loop.automatic).look()
    assert len(loop.jobs.list(10)[0]) == 1


def _down(model: str, since: float) -> int:
    raise DatabaseUnavailable("database_unavailable", "The database does not answer.")


@pytest.mark.parametrize("promote", ["never", "if_better", "shadow"])
def test_the_operator_says_what_becomes_of_what_it_makes(
    database: Database, tmp_path: Path, registry: Registry, promote: str
) -> None:
    told = Loop(database, tmp_path / "state", registry, promote=promote)
    told.correct(AFTER)
    (job,) = told.made()
    assert job.spec.promote == promote


def test_what_a_rejected_job_learned_starts_none_and_blocks_none(loop: Loop) -> None:
    loop.correct(AFTER, label="1")
    assert len(loop.made()) == 1
    loop.succeed(accepted=False)
    assert loop.feedback.waiting("digits") == 0 and loop.feedback.held("digits") == AFTER
    loop.correct(AFTER)
    assert len(loop.made()) == 2
    assert loop.teacher.lessons.per_label("digits") == {"7": AFTER}
    loop.succeed()
    assert loop.feedback.held("digits") == AFTER


def test_what_a_person_let_go_of_starts_one_again(loop: Loop) -> None:
    loop.correct(AFTER)
    assert len(loop.made()) == 1
    loop.succeed(accepted=False)
    assert len(loop.made()) == 1
    assert HeldBack(loop.database, loop.feedback).release(Chosen(same={"reason": "rejected"})) == AFTER
    assert len(loop.made()) == 2


async def test_no_client_can_take_the_key(database: Database, registry: Registry, tmp_path: Path) -> None:
    async with serving(database, registry, tmp_path / "state") as service:
        answer = await service.create(headers={"Idempotency-Key": "corrections of digits after none"})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_idempotency_key")


def test_killed_between_the_correction_and_the_start(loop: Loop, url: str, tmp_path: Path, registry: Registry) -> None:
    """Nothing is remembered but the rows: whoever looks next starts it."""
    loop.correct(AFTER)
    with closing(Database(url)) as database:
        assert len(Loop(database, tmp_path / "state", registry).made()) == 1
    assert len(loop.made()) == 1
