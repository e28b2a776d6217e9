"""Lineage: which versions have learned a correction, by the jobs that made them and by what they descend from.

A row of `lessons` says what a job was given, one of `lineage` which version it made. What people trained by hand is
known by its parent alone, which every manifest names.
"""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, func, insert, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.errors import NotFound
from app.feedback.tables import feedback, is_id, lessons, lineage, standing
from app.storage.db import Database
from models_store.errors import StoreError
from models_store.refs import Ref
from models_store.registry import Registry


@dataclass(frozen=True)
class TaughtVersion:
    """A version that has learned a correction."""

    version: str
    job: str | None  # that taught it; None where it only descends from one that was taught
    exists: bool


@dataclass(frozen=True)
class Traced:
    """What became of one correction."""

    id: str
    model: str
    is_deleted: bool
    learners: Sequence[TaughtVersion]  # in the order of their names and numbers
    without: str | None  # the newest accepted version of the model that is there and has not learned it


class Lineage:
    """All versions of one store, as the jobs of one database made them. It blocks: call it from a thread."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    def of(self, correction: str) -> Traced:
        """Raises NotFound for an id that never was one, DatabaseUnavailable."""
        query = select(lessons.c.model, lineage.c.version, lessons.c.job).where(lessons.c.correction == correction)
        query = query.join(lineage, lineage.c.job == lessons.c.job, isouter=True)
        if not is_id(correction):
            raise _never_there()
        with self._database.reading() as connection:
            model = connection.execute(select(feedback.c.model).where(feedback.c.id == correction)).scalar()
            taught = connection.execute(query.order_by(lessons.c.as_of)).all()
            parents = _parents(connection)
        if model is None and not taught:
            raise _never_there()
        there = self._there()
        parents = {**parents, **{ref: parent for ref, (parent, _) in there.items()}}
        jobs = {row.version: row.job for row in reversed(taught) if row.version}
        learned = [ref for ref in {*there, *parents, *jobs} if not jobs.keys().isdisjoint(_ancestry(ref, parents))]
        learners = [TaughtVersion(ref, jobs.get(ref), ref in there) for ref in sorted(learned, key=_in_order)]
        name = model or _base_of(taught[0].model, [row.version for row in taught if row.version], parents)
        without = [
            ref for ref, (_, accepted) in there.items()
            if accepted and ref not in learned and Ref.parse(ref).name == name
        ]  # fmt: skip
        return Traced(correction, name, model is None, learners, max(without, key=_in_order, default=None))

    def learned_by_champion(self, model: str) -> Collection[str]:
        """The ids of a model's corrections that its champion has learned, with the labels that they have now.

        Raises DatabaseUnavailable.
        """
        with contextlib.suppress(StoreError, OSError):
            champion = self._registry.aliases(model).get("champion")
            if champion is None:
                return frozenset()
            there = self._there()
            query = select(feedback.c.id).join(lessons, lessons.c.correction == feedback.c.id)
            with self._database.reading() as connection:
                parents = {**_parents(connection), **{ref: parent for ref, (parent, _) in there.items()}}
                line = _ancestry(f"{model}@{champion}", parents)
                query = query.join(lineage, lineage.c.job == lessons.c.job).where(lineage.c.version.in_(line))
                which = feedback.c.model == model, lessons.c.as_of >= feedback.c.changed_at
                return set(connection.execute(query.where(*which)).scalars())
        return frozenset()

    def _there(self) -> Mapping[str, tuple[str | None, bool]]:
        """Each version that can be read: its parent, and whether the gate accepted it."""
        found: dict[str, tuple[str | None, bool]] = {}
        for name in self._registry.models():
            with contextlib.suppress(StoreError):
                for number in self._registry.versions(name):
                    with contextlib.suppress(StoreError):
                        facts = self._registry.resolve(Ref(name, None, number)).manifest
                        found[f"{name}@{number}"] = facts.parent, facts.accepted
        return found


def teach(connection: Connection, job_id: str, model: str, as_of: float, corrections: Sequence[str]) -> None:
    """Notes what a job is given to learn, for versions of `model`. Another attempt at it may be given less: whatever
    one of them was given counts as learned."""
    add = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    rows = [{"correction": name, "job": job_id, "model": model, "as_of": as_of} for name in corrections]
    if rows:
        connection.execute(add(lessons).on_conflict_do_nothing(), rows)


def made(connection: Connection, job_id: str, version: str, parent: str, *, accepted: bool) -> None:
    """Notes the version that a job has made."""
    row = {"job": job_id, "version": version, "parent": parent, "accepted": int(accepted)}
    connection.execute(insert(lineage).values(row))


def learned(connection: Connection, job_id: str, until: float) -> None:
    """Notes in their rows that a job has learned the corrections that it was given, where their labels still stand."""
    given = select(lessons.c.correction).where(lessons.c.job == job_id)
    which = feedback.c.id.in_(given), feedback.c.job.is_(None), standing <= until
    connection.execute(feedback.update().where(*which).values(job=job_id))


def gone(connection: Connection, job_id: str) -> int:
    """How many of the corrections that a job was given are deleted."""
    there = exists(select(feedback.c.id).where(feedback.c.id == lessons.c.correction))
    query = select(func.count()).select_from(lessons).where(lessons.c.job == job_id, ~there)
    return connection.execute(query).scalar_one()


def _parents(connection: Connection) -> dict[str, str | None]:
    """Of versions that jobs made, also of those that are deleted."""
    return {row.version: row.parent for row in connection.execute(select(lineage.c.version, lineage.c.parent))}


def _ancestry(ref: str, parents: Mapping[str, str | None]) -> list[str]:
    """The version and all that it descends from."""
    line: list[str] = []
    at: str | None = ref
    while at is not None and at not in line:  # a copy under another number may name itself
        line.append(at)
        at = parents.get(at)
    return line


def _base_of(model: str, versions: Sequence[str], parents: Mapping[str, str | None]) -> str:
    """The model whose correction it was: that of the base, where another one was taught."""
    bases = (parents.get(version) for version in versions)
    return next((base.partition("@")[0] for base in bases if base), model)


def _never_there() -> NotFound:
    return NotFound(
        "feedback_not_found",
        "There is no correction of this id, and no job has learned one that is deleted. See the list of corrections.",
    )


def _in_order(ref: str) -> tuple[str, int]:
    name, _, number = ref.partition("@")
    return name, int(number) if number.isdecimal() else 0
