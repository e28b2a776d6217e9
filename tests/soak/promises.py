"""What was promised, held against what is there when all is over: the database, the store, and what people saw. Each
broken promise is one line.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from app.errors import NotFound
from app.feedback.store import FeedbackStore
from app.files.store import FileStore
from app.jobs.job import ENDED, Job, JobEvent, State
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.errors import StoreError
from models_store.refs import Ref
from models_store.registry import Registry
from tests.soak.people import PICTURES, Seen

_AFTER_TRIES = ("job_lost", "job_crashed")  # the only failures that an accident may lead to
_FULL = "storage_full"  # where the disk was full meanwhile
_NO_TURN = "image_too_complex"  # said of honest pictures by decoders that wait half a minute for their turn
_MOST_WITHOUT_TURN = 0.002  # of all requests
_MOST_REFUSED = 0.02  # of the predictions, for which nothing but attackers is to blame


@dataclass(frozen=True)
class Found:
    """How a round ended."""

    states: Counter[str]
    attempts: int  # of all jobs
    repeated: int  # the most epochs that one attempt did again
    broken: Sequence[str]


def look(database: Database, place: Path, seen: Seen, disk_was_full: bool) -> Found:
    """Everything that can be checked when every process is gone."""
    foreseen = (*_AFTER_TRIES, *((_FULL,) if disk_was_full else ()))
    store, registry, state = JobStore(database), Registry(place / "store"), place / "state"
    jobs = {job.id: job for job in _all_jobs(store)}
    events = {name: _all_events(store, name) for name in jobs}
    repeats = {name: max(_repeated(told), default=0) for name, told in events.items()}
    broken = [
        *_acknowledged(jobs, seen),
        *(line for name, job in jobs.items() for line in _ended_once(job, events[name], foreseen)),
        *(f"{name} repeated {count} epochs in one attempt" for name, count in repeats.items() if count > 1),
        *_versions(jobs, registry),
        *_streams(events, seen),
        *seen.files.broken("the upload", lambda name: _file(FileStore(database, state), name)),
        *seen.corrections.broken("the correction", lambda name: _label(FeedbackStore(database, state), name)),
        *seen.aliases.broken("the alias", lambda name: str(registry.aliases("digits").get(name, "")) or None),
    ]
    states = Counter(str(job.state) for job in jobs.values())
    attempts = sum(job.attempt for job in jobs.values())
    return Found(states, attempts, max(repeats.values(), default=0), broken)


def predictions(seen: Seen, down: Sequence[tuple[float, float]], kills: Sequence[float]) -> Iterator[str]:
    """Requests without an answer that no dead process explains; a decoder that gets no turn on a busy machine may be to
    blame for few of them.
    """
    unexplained: list[str] = []
    for asked, given_up, why in seen.unanswered:
        without_server = any(asked <= until and given_up >= since for since, until in down)
        with_its_process = any(asked <= moment <= given_up + 0.5 for moment in kills)
        if not without_server and not with_its_process:
            unexplained.append(why)
    slow = [why for why in unexplained if why.endswith(_NO_TURN)]
    yield from (f"{why} was not answered" for why in unexplained if why not in slow)
    if len(slow) > _MOST_WITHOUT_TURN * seen.done.total():
        yield f"{len(slow)} pictures got no turn in time, and {seen.done.total()} requests were answered"
    answered = sum(seen.done[kind] for kind in PICTURES)
    if seen.refused > _MOST_REFUSED * (answered + seen.refused):
        yield f"{seen.refused} pictures were refused with 503, and {answered} answered"


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


def _streams(events: dict[str, Sequence[JobEvent]], seen: Seen) -> Iterator[str]:
    for name, heard in seen.streams.items():
        told = {str(event.number): event.message for event in events.get(name, ())}
        lost = [number for number, message in heard if told.get(number) != message]
        if lost:
            yield f"the stream of {name} told of the events {lost}, which are not there, or others"


def _file(files: FileStore, name: str) -> str | None:
    """The digest of the bytes that are there."""
    try:
        return sha256(files.path(name).read_bytes()).hexdigest()
    except NotFound:
        return None


def _label(corrections: FeedbackStore, name: str) -> str | None:
    """Its label, where its picture is there too."""
    try:
        return corrections.get(name).label if corrections.picture(name) else None
    except NotFound:
        return None


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
