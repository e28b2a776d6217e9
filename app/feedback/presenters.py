"""Corrections -> what clients see of them."""

import base64
import time
from collections.abc import Sequence

from app.feedback.held import HeldTogether
from app.feedback.lineage import Traced
from app.feedback.schemas import (
    FeedbackGiven,
    FeedbackLearner,
    FeedbackList,
    FeedbackObject,
    FeedbackVersions,
    HeldGroup,
    HeldList,
    HeldPicture,
    ListedFeedback,
)
from app.feedback.tables import Correction, Settled


def shown(correction: Correction) -> FeedbackObject:
    """The answer that shows one correction."""
    return FeedbackObject(**_facts(correction))


def given(settled: Settled, *, is_theirs: bool = True) -> FeedbackGiven:
    """The answer to whoever gave it. Where somebody else had given the same before, it looks as if it were new."""
    facts = _facts(settled.correction)
    if not is_theirs:
        facts |= dict.fromkeys(("giver", "read_as", "job", "held"))
        facts |= dict.fromkeys(("created_at", "changed_at"), int(time.time()))
    return FeedbackGiven(**facts, replaced=settled.replaced)


def page(corrections: Sequence[Correction], thumbnails: Sequence[bytes | None], more: bool) -> FeedbackList:
    """The answer that lists some."""
    listed = [
        ListedFeedback(**_facts(one), thumbnail=_data_url(small))
        for one, small in zip(corrections, thumbnails, strict=True)
    ]
    first, last = (listed[0].id, listed[-1].id) if listed else (None, None)
    return FeedbackList(data=listed, first_id=first, last_id=last, has_more=more)


def _facts(correction: Correction) -> dict[str, str | int | None]:
    names = ("id", "model", "label", "read_by", "read_as", "sha256", "bytes", "width", "height", "job", "giver", "held")
    times = {name: int(getattr(correction, name)) for name in ("created_at", "changed_at")}
    return {name: getattr(correction, name) for name in names} | times


def _data_url(png: bytes | None) -> str | None:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}" if png else None


def sheet(groups: Sequence[tuple[HeldTogether, Sequence[bytes | None]]], more: bool, as_of: float) -> HeldList:
    """The answer that shows groups with the small pictures of each."""
    data = [
        HeldGroup(
            **{name: getattr(group, name) for name in ("id", "model", "reason", "job", "giver", "in_common", "count")},
            labels=dict(group.labels),
            held_at=int(group.held_at),
            pictures=[
                HeldPicture(
                    id=one.id, label=one.label, read_as=one.read_as, changed_at=int(one.changed_at),
                    thumbnail=_data_url(small),
                )
                for one, small in zip(group.pictures, thumbnails, strict=True)
            ],
        )
        for group, thumbnails in groups
    ]  # fmt: skip
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return HeldList(data=data, first_id=first, last_id=last, has_more=more, as_of=f"{as_of:.6f}")


def traced(found: Traced) -> FeedbackVersions:
    """The answer that says who learned a correction."""
    return FeedbackVersions(
        id=found.id,
        model=found.model,
        deleted=found.is_deleted,
        versions=[FeedbackLearner(**vars(one)) for one in found.learners],
        without=found.without,
    )
