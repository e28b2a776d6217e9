"""What was promised, held against what is there when all is over: the database, the store, and what people saw. Each
broken promise is one line.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.jobs.job import ENDED, Job, JobEvent, State
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.errors import StoreError
from models_store.refs import Ref
from models_store.registry import Registry
from tests.soak.people import Seen

_AFTER_TRIES = ("job_lost", "job_crashed")  # the only failures that an accident may lead to
_FULL = "storage_full"  # where the disk was full meanwhile
_MOST_REFUSED = 0.02  # of the predictions, for which nothing but attackers is to blame


@dataclass(frozen=True)
class Found:
    """How a round ended."""

    states: Counter[str]
    attempts: int  # of all jobs
    repeated: int  # the most epochs that one attempt did again
    broken: Sequence[str]


def look(database: Database, registry: Registry, seen: Seen, disk_was_full: bool) -> Found:
    """Everything that can be checked when every process is gone."""
    foreseen = (*_AFTER_TRIES, *((_FULL,) if disk_was_full else ()))
    store = JobStore(database)
    jobs = {job.id: job for job in _all_jobs(store)}
    events = {name: _all_events(store, name) for name in jobs}
    repeats = {name: max(_repeated(told), default=0) for name, told in events.items()}
    broken = [
        *_acknowledged(jobs, seen),
        *(line for name, job in jobs.items() for line in _ended_once(job, events[name], foreseen)),
        *(f"{name} repeated {count} epochs in one attempt" for name, count in repeats.items() if count > 1),
        *_versions(jobs, registry),
    ]
    states = Counter(str(job.state) for job in jobs.values())
    attempts = sum(job.attempt for job in jobs.values())
    return Found(states, attempts, max(repeats.values(), default=0), broken)


def predictions(seen: Seen, down: Sequence[tuple[float, float]], kills: Sequence[float]) -> Iterator[str]:
    """Requests without an answer that no dead process explains."""
    for asked, given_up, why in seen.unanswered:
        without_server = any(asked <= until and given_up >= since for since, until in down)
        with_its_process = any(asked <= moment <= given_up + 0.5 for moment in kills)
        if not without_server and not with_its_process:
            yield f"a prediction was not answered: {why}"
    if seen.refused > _MOST_REFUSED * (seen.answers + seen.refused):
        yield f"{seen.refused} predictions were refused with 503, and {seen.answers} answered"


def _all_jobs(store: JobStore) -> Iterator[Job]:
    after, more = None, True
    while more:
        page, more = store.list(100, after)
        yield from page
        after = page[-1].id if page else None


def _all_events(store: JobStore, job_id: str) -> Sequence[JobEvent]:
    found, more = store.events(job_id, 100_000)
    assert not more
    return found


def _acknowledged(jobs: dict[str, Job], seen: Seen) -> Iterator[str]:
    for key, name in seen.keys.items():
        if name not in jobs:
            yield f"{name} was acknowledged for the key {key} and is gone"
    if len(jobs) != len(seen.keys) or len(set(seen.keys.values())) != len(seen.keys):
        yield f"{len(seen.keys)} jobs were ordered and {len(jobs)} made"
    for name in seen.cancelled:
        if name in jobs and jobs[name].state != State.CANCELLED:
            yield f"{name} was cancelled, that was acknowledged, and it is {jobs[name].state}"


def _ended_once(job: Job, events: Sequence[JobEvent], foreseen: Sequence[str]) -> Iterator[str]:
    numbers = [event.number for event in events]
    if numbers != list(range(1, len(events) + 1)):
        yield f"{job.id} has events with the numbers {numbers}"
    states = [str((event.data or {}).get("state")) for event in events if event.type == "state"]
    ends = [state for state in states if state in ENDED]
    if job.state not in ENDED:
        yield f"{job.id} has not ended: it is {job.state}"
    elif ends != [job.state] or events[-1].type != "state":
        yield f"{job.id} is {job.state} and its events say {ends}, the last one {events[-1].message!r}"
    if job.state == State.FAILED and (job.error or {}).get("code") not in foreseen:
        yield f"{job.id} failed: {job.error}"


def _repeated(events: Sequence[JobEvent]) -> Iterator[int]:
    """For each attempt, how many epochs of the training it did that an attempt before had told of."""
    attempts: list[list[int]] = [[]]
    for event in events:
        facts = event.data or {}
        if event.type == "state" and facts.get("state") == State.RUNNING:
            attempts.append([])
        elif event.type == "metrics" and facts.get("run") == "training":
            attempts[-1].append(int(facts["epoch"]))
    done = 0
    for epochs in attempts:
        yield sum(epoch <= done for epoch in epochs)
        done = max([done, *epochs])
        if any(later <= earlier for earlier, later in pairwise(epochs)):
            yield len(epochs)  # within one attempt none comes twice


def _versions(jobs: dict[str, Job], registry: Registry) -> Iterator[str]:
    made = defaultdict(list)
    for name in registry.models():
        for number in registry.versions(name):
            try:
                version = registry.verify(Ref(name, None, number))
            except StoreError as error:
                yield f"{name}@{number} is not whole: {error}"
                continue
            task = version.manifest.recipe.finetune
            if task is not None:  # the version that came with the software has none
                made[task.job].append(version.ref)
    for job_id, refs in made.items():
        if job_id not in jobs or jobs[job_id].state != State.SUCCEEDED:
            yield f"{refs} are of the job {job_id}, which is {jobs[job_id].state if job_id in jobs else 'unknown'}"
    for job in jobs.values():
        if job.state == State.SUCCEEDED and made[job.id] != [(job.result or {}).get("version")]:
            yield f"{job.id} succeeded with {(job.result or {}).get('version')}, and the store has {made[job.id]}"
