"""Corrections -> what clients see of them."""

import base64
from collections.abc import Sequence

from app.feedback.schemas import FeedbackGiven, FeedbackList, FeedbackObject, ListedFeedback
from app.feedback.tables import Correction, Settled


def shown(correction: Correction) -> FeedbackObject:
    """The answer that shows one correction."""
    return FeedbackObject(**_facts(correction))


def given(settled: Settled) -> FeedbackGiven:
    """The answer to whoever gave it."""
    return FeedbackGiven(**_facts(settled.correction), replaced=settled.replaced)


def page(corrections: Sequence[Correction], thumbnails: Sequence[bytes | None], more: bool) -> FeedbackList:
    """The answer that lists some."""
    listed = [
        ListedFeedback(**_facts(one), thumbnail=_data_url(small))
        for one, small in zip(corrections, thumbnails, strict=True)
    ]
    first, last = (listed[0].id, listed[-1].id) if listed else (None, None)
    return FeedbackList(data=listed, first_id=first, last_id=last, has_more=more)


def _facts(correction: Correction) -> dict[str, str | int | None]:
    names = ("id", "model", "label", "read_by", "read_as", "sha256", "bytes", "width", "height", "job")
    times = {name: int(getattr(correction, name)) for name in ("created_at", "changed_at")}
    return {name: getattr(correction, name) for name in names} | times


def _data_url(png: bytes | None) -> str | None:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}" if png else None
