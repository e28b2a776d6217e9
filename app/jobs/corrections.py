"""What a job does with corrections: they are written out for its training, held back, marked when it succeeds."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from app.errors import NotFound
from app.feedback import export, held, lineage
from app.feedback.lessons import Lessons
from app.feedback.store import FeedbackStore
from app.feedback.tables import Correction, lessons
from app.feedback.tables import lineage as made
from app.jobs.job import ENDED, FEEDBACK, Job
from app.jobs.tables import jobs, say
from app.storage import private
from app.storage.db import Database
from models_store.handover import GIVERS, SEEN
from models_store.refs import Ref

_UNLEARN = "If a version must not know them, make another one from the job's base, and promote that."
_WHERE = "see the page /held, or GET /v1/feedback/held"


class Corrections:
    """What the trainings of one worker learn from."""

    def __init__(
        self, database: Database, store: FeedbackStore, lessons: Lessons, tell: Callable[[Job, str], object]
    ) -> None:
        """`tell` says a sentence of a job to whoever follows it."""
        self._database = database
        self._store = store
        self._lessons = lessons
        self._tell = tell

    def write(self, job: Job, target: Path) -> None:
        """Makes a data set of those whose labels stood when the job was made, that still are there and that nothing
        holds back; beside it, who gave which. Raises NotFound, OSError, one of NOTHING_LASTS."""
        lesson = self._lessons.of(_model(job), until=job.created_at)
        if not lesson.taken:
            raise NotFound(
                "feedback_not_found",
                "All corrections that were to be learned are deleted or held back. Look at GET /v1/feedback/held, or "
                "give new ones.",
            )
        with self._database.writing() as connection:
            names = [one.id for one in lesson.taken]
            lineage.teach(connection, job.id, job.spec.publish_to, job.created_at, names)
        private.write(target.parent / GIVERS, json.dumps(_pseudonyms(lesson.taken)).encode())
        with target.open("wb") as file:
            for _ in export.pack(file, lesson.taken, self._store.read):
                pass
        if said := lesson.said(self._lessons.share):
            self._tell(job, said)


def hold(connection: Connection, job: Job, rows: Sequence[Mapping[str, Any]], *, learned: bool) -> None:
    """Holds back what a job's training found, until a person has looked at it: before it has learned, and then it does
    not, or after that. To say it twice changes nothing."""
    if job.spec.training_file != FEEDBACK:
        return
    if count := held.hold(connection, job.id, job.created_at, rows, learned=learned):
        say(connection, job.id, "warn", "message", f"{_counted(count)} back until a person has looked: {_WHERE}.")


def mark(connection: Connection, job: Job) -> None:
    """Notes which version a job has made, and what it has learned from. What a rejected version of their own model has
    learned is held back: the next jobs would be rejected for it too. Where its training has said which are to blame,
    these are held back already, and the others wait for another job."""
    result = job.result or {}
    version, accepted = str(result["version"]), bool(result.get("accepted"))
    lineage.made(connection, job.id, version, job.spec.base, accepted=accepted)
    if job.spec.training_file != FEEDBACK or job.spec.publish_to != _model(job):
        return
    if not accepted and held.are_named(connection, job.id):
        return
    lineage.learned(connection, job.id, job.created_at)
    if gone := lineage.gone(connection, job.id):
        were = "1 correction that it learned was" if gone == 1 else f"{gone:,} corrections that it learned were"
        say(connection, job.id, "warn", "message", f"{were} deleted while it ran. {_UNLEARN}")
    if not accepted:
        why = f"The gate rejected {version}, which had learned them"
        count = held.quarantine(connection, job.id, _model(job), job.created_at, why)
        if count:
            message = f"{_counted(count)} back, because the version that learned them was rejected: {_WHERE}."
            say(connection, job.id, "warn", "message", message)


def forget(database: Database) -> None:
    """Forgets what jobs were given that ended without a version. Raises one of NOTHING_LASTS."""
    works = select(jobs.c.id).where(jobs.c.state.not_in(ENDED))
    ended = lessons.c.job.not_in(select(made.c.job)), lessons.c.job.not_in(works)
    database.making_room(lambda connection: connection.execute(lessons.delete().where(*ended)))


def _counted(count: int) -> str:
    return "1 correction is held" if count == 1 else f"{count:,} corrections are held"


def _pseudonyms(corrections: Sequence[Correction]) -> Mapping[str, str]:
    """Who gave which, by names that hold for this job only. Those of earlier releases are nobody's."""
    names: dict[str, str] = {}
    found = {}
    for one in corrections:
        if one.released_at is not None:
            found[one.id] = SEEN
        elif one.giver is not None:
            found[one.id] = names.setdefault(one.giver, f"g{len(names) + 1}")
    return found


def _model(job: Job) -> str:
    return Ref.parse(job.spec.base).name
