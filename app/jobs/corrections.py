"""Corrections as a job uses them: written out for its training, marked when it succeeds."""

from pathlib import Path

from sqlalchemy import Connection

from app.errors import NotFound
from app.feedback import export
from app.feedback.store import FeedbackStore, learned
from app.jobs.job import FEEDBACK, Job
from models_store.refs import Ref


def write(store: FeedbackStore, job: Job, target: Path) -> None:
    """Makes a data set of those that were there when the job was made, and still are. Raises NotFound, OSError."""
    chosen = store.chosen(_model(job), until=job.created_at)
    if not chosen:
        raise NotFound("feedback_not_found", "All corrections that were to be learned are deleted. Give new ones.")
    with target.open("wb") as file:
        for _ in export.pack(file, chosen, store.read):
            pass


def mark(connection: Connection, job: Job) -> None:
    """Notes what a job has learned from, accepted or rejected, where it was its own model that learned."""
    if job.spec.training_file == FEEDBACK and job.spec.publish_to == _model(job):
        learned(connection, _model(job), job.created_at, job.id)


def _model(job: Job) -> str:
    return Ref.parse(job.spec.base).name
