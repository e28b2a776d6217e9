"""HeldBack: corrections that no job learns until a person has looked at them, in groups of those that belong together.

A training holds back what looks planted, and a job that was rejected what it had learned. Only a person lets go.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from app.feedback.store import FeedbackStore
from app.feedback.tables import Correction, feedback, is_id, lessons, lineage, standing, to_correction
from app.storage.audit import trail
from app.storage.audit.record import Details, What
from app.storage.db import Database, now

REJECTED = "rejected"  # a job learned them, and its version was rejected
_LONGEST = 500  # characters of what a group has in common
_LONGEST_REASON = 32
_AT_ONCE = 500  # ids in one statement
_KEY = (feedback.c.model, feedback.c.held, feedback.c.held_by, feedback.c.giver, feedback.c.held_group)


@dataclass(frozen=True, kw_only=True)
class HeldTogether:
    """Corrections of one giver that one job held back for one reason. Times are Unix seconds."""

    id: str
    model: str
    reason: str
    job: str | None
    giver: str | None
    in_common: str | None
    held_at: float  # of the last of them
    labels: Mapping[str, int]  # label -> how many
    pictures: Sequence[Correction] = ()  # the first of them

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.labels.values())


@dataclass(frozen=True)
class Chosen:
    """Which of those that are held back are meant: all things that are said together."""

    group: str | None = None
    ids: Collection[str] | None = None
    # of these None means those that have none
    same: Mapping[str, str | None] = field(default_factory=dict)  # model, reason, job or giver
    as_of: float | None = None  # not those whose label was given later: nobody has seen it

    def said(self) -> Details:
        """As the audit log has it: of ids how many there are."""
        ids = {} if self.ids is None else {"ids": len(self.ids)}
        group = {} if self.group is None else {"group": self.group}
        return {**group, **ids, **self.same}


class HeldBack:
    """Those of one database. Every method may raise DatabaseUnavailable, those that write any of NOTHING_LASTS."""

    def __init__(self, database: Database, store: FeedbackStore) -> None:
        self._database = database
        self._store = store

    def groups(
        self, limit: int, after: str | None = None, model: str | None = None, pictures: int = 24
    ) -> tuple[Sequence[HeldTogether], bool, float]:
        """Those of the job that was the last to hold something back come first, and of a job the largest; those behind
        the group `after`, so many of the pictures of each; whether there are more; and when that was so, for a
        decision's `as_of`. A group that is gone is before all."""
        with self._database.reading() as connection:
            as_of = float(connection.execute(select(now())).scalar_one())
            found = [group for group in _groups(connection) if model in (None, group.model)]
            start = next((place for place, group in enumerate(found, 1) if group.id == after), 0)
            shown = found[start : start + limit]
            these = [_with_pictures(connection, group, pictures) for group in shown]
            return these, len(found) > start + limit, as_of

    def release(self, chosen: Chosen) -> int:
        """Lets them go: the next job learns them, and no training holds them back again. Returns how many."""
        values = {"held": None, "held_at": None, "held_by": None, "held_group": None, "released_at": now(), "job": None}
        with self._database.writing() as connection:
            which = feedback.c.id.in_(
                select(feedback.c.id).where(_where(connection, chosen)).order_by(feedback.c.id).with_for_update()
            )
            count = connection.execute(feedback.update().where(which).values(values)).rowcount
            trail.write(connection, What.CORRECTIONS_RELEASED, None, {**chosen.said(), "count": count})
            return count

    def remove(self, chosen: Chosen) -> int:
        """Deletes them, rows and pictures. Returns how many there were."""
        with self._database.reading() as connection:
            which = _where(connection, chosen)
        return self._store.delete_where(which, {"held": True, **chosen.said()})


def hold(
    connection: Connection, job_id: str, until: float, rows: Collection[Mapping[str, str]], *, learned: bool = False
) -> int:
    """Holds back what a job's training found; returns how many that are new. What a person has let go of, and whose
    label was given after `until`, stays as it is. What was not `learned` before it was found is left out.

    `rows` have the `name` of a correction's file in the data set, a `reason` and what its `group` has in common.
    """
    count = 0
    sorted_out: dict[tuple[str, str], list[str]] = {}
    for row in filter(lambda row: isinstance(row, Mapping), rows):
        name = str(row.get("name", "")).rpartition("/")[2].partition(".")[0]
        if is_id(name):
            key = _said(row, "reason", _LONGEST_REASON), _said(row, "group", _LONGEST)
            sorted_out.setdefault(key, []).append(name)
    for (reason, in_common), names in sorted_out.items():
        for start in range(0, len(names), _AT_ONCE):
            ids = names[start : start + _AT_ONCE]
            given = select(lessons.c.correction).where(lessons.c.job == job_id, lessons.c.correction.in_(ids))
            which = feedback.c.id.in_(given), feedback.c.released_at.is_(None), standing <= until
            count += _held(connection, and_(*which), job_id, reason, in_common)
            if not learned:
                connection.execute(lessons.delete().where(lessons.c.job == job_id, lessons.c.correction.in_(ids)))
    return count


def are_named(connection: Connection, job_id: str) -> bool:
    """Whether a job's training has said which of the corrections that it learned are to blame."""
    given = select(lessons.c.correction).where(lessons.c.job == job_id)
    blamed = select(feedback.c.id).where(feedback.c.held_by == job_id, feedback.c.id.in_(given))
    return connection.execute(blamed.limit(1)).first() is not None


def quarantine(connection: Connection, job_id: str, model: str, until: float, why: str) -> int:
    """Holds back what a job whose version was rejected has learned, but for what an accepted version of `model` had
    learned before it. Returns how many there are."""
    known = (
        select(lessons.c.correction)
        .join(lineage, lineage.c.job == lessons.c.job)
        .where(
            lessons.c.correction == feedback.c.id,
            lessons.c.model == model,
            lessons.c.as_of >= feedback.c.changed_at,
            lineage.c.accepted == 1,
        )
    )
    given = select(lessons.c.correction).where(lessons.c.job == job_id)
    which = feedback.c.id.in_(given), standing <= until, ~exists(known)
    return _held(connection, and_(*which), job_id, REJECTED, why[:_LONGEST])


def _said(row: Mapping[str, str], name: str, longest: int) -> str:
    return str(row.get(name, "")).replace("\x00", "")[:longest]


def _held(connection: Connection, which: ColumnElement[bool], job_id: str, reason: str, in_common: str) -> int:
    values = {"held": reason, "held_at": now(), "held_by": job_id, "held_group": in_common, "released_at": None}
    return connection.execute(feedback.update().where(which, feedback.c.held.is_(None)).values(values)).rowcount


def _groups(connection: Connection) -> list[HeldTogether]:
    query = select(*_KEY, feedback.c.label, func.count().label("pictures"), func.max(feedback.c.held_at).label("last"))
    rows = connection.execute(query.where(feedback.c.held.is_not(None)).group_by(*_KEY, feedback.c.label)).all()
    labels: dict[tuple[str | None, ...], Counter[str]] = {}
    last: dict[tuple[str | None, ...], float] = {}
    for row in rows:
        key = tuple(row[: len(_KEY)])
        labels.setdefault(key, Counter())[row.label] += row.pictures
        last[key] = max(last.get(key, 0.0), row.last)
    found = [_group(key, counts, last[key]) for key, counts in labels.items()]
    latest: dict[str | None, float] = {}
    for group in found:
        latest[group.job] = max(latest.get(group.job, 0.0), group.held_at)
    return sorted(found, key=lambda group: (-latest[group.job], group.job or "", -group.count, group.id))


def _group(key: tuple[str | None, ...], counts: Counter[str], last: float) -> HeldTogether:
    model, reason, job, giver, in_common = key
    name = f"hg-{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]}"
    return HeldTogether(
        id=name, model=str(model), reason=str(reason), job=job, giver=giver, in_common=in_common, held_at=last,
        labels=dict(counts.most_common()),
    )  # fmt: skip


def _with_pictures(connection: Connection, group: HeldTogether, most: int) -> HeldTogether:
    query = select(feedback).where(_in(group)).order_by(feedback.c.created_at, feedback.c.id).limit(most)
    found = [to_correction(row) for row in connection.execute(query)] if most else []
    return HeldTogether(**{**vars(group), "pictures": found})


def _in(group: HeldTogether) -> ColumnElement[bool]:
    key = (group.model, group.reason, group.job, group.giver, group.in_common)
    return and_(
        *(column.is_(None) if value is None else column == value for column, value in zip(_KEY, key, strict=True))
    )


def _where(connection: Connection, chosen: Chosen) -> ColumnElement[bool]:
    columns = {
        "model": feedback.c.model, "reason": feedback.c.held, "job": feedback.c.held_by, "giver": feedback.c.giver,
    }  # fmt: skip
    which: list[ColumnElement[bool]] = [feedback.c.held.is_not(None)]
    if chosen.group is not None:
        which.append(or_(feedback.c.id.is_(None), *(_in(one) for one in _groups(connection) if one.id == chosen.group)))
    if chosen.as_of is not None:
        which.append(feedback.c.changed_at <= chosen.as_of)
    if chosen.ids is not None:
        which.append(feedback.c.id.in_(chosen.ids))
    which += [
        columns[name].is_(None) if value is None else columns[name] == value for name, value in chosen.same.items()
    ]
    return and_(*which)
