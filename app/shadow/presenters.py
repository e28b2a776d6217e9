"""Challengers in shadow -> what clients see of them."""

import base64
from collections.abc import Sequence

from app.shadow.mcnemar import MOST_LABELS, lead
from app.shadow.record import Phase, Question, Shadow
from app.shadow.schemas import Doubt, Right, ShadowReport


def report(
    shadow: Shadow,
    doubts: Sequence[Doubt],
    *,
    has_more: bool,
    labels: Sequence[str],
    share: float,
    trouble: str | None,
) -> ShadowReport:
    """The answer that shows one comparison."""
    pair, counts = shadow.pair, shadow.labels
    return ShadowReport(
        id=shadow.id,
        created_at=int(shadow.created_at),
        ended_at=None if shadow.ended_at is None else int(shadow.ended_at),
        state=shadow.phase,
        champion=pair.ref(pair.champion),
        challenger=pair.ref(pair.challenger),
        share=share,
        compared=shadow.compared,
        differed=shadow.differed,
        labelled=counts.count,
        right=Right(champion=counts.champion, challenger=counts.challenger, neither=counts.neither),
        lead=counts.challenger - counts.champion,
        needed_lead=lead(),
        p=round(counts.p, 6),
        said=said(shadow),
        trouble=trouble if shadow.is_active else None,
        labels=list(labels),
        data=list(doubts),
        has_more=has_more,
    )


def doubt(question: Question, thumbnail: bytes | None) -> Doubt:
    """One picture to be labelled; `thumbnail` is a small PNG of it."""
    shown = f"data:image/png;base64,{base64.b64encode(thumbnail).decode()}" if thumbnail else None
    return Doubt(id=question.id, labels=list(question.labels), thumbnail=shown)


def said(shadow: Shadow) -> str:
    """How a comparison stands, or how it ended."""
    if not shadow.is_active:
        return shadow.why or "It is over."
    pair, counts = shadow.pair, shadow.labels
    one, other = pair.ref(pair.champion), pair.ref(pair.challenger)
    then = "is put back" if shadow.phase is Phase.PROMOTED else "is promoted"
    rule = f"{other} {then} where it was right in {lead()} pictures more than {one}, within {MOST_LABELS} labels."
    before = f"{shadow.why} " if shadow.why else ""
    if not counts.count:
        return f"{before}No picture has a label yet. {rule}"
    right = f"{other} was right in {counts.challenger}, {one} in {counts.champion} of {counts.count} labelled pictures"
    return f"{before}{right} (McNemar's exact test: p = {counts.p:.2g}). {rule}"
