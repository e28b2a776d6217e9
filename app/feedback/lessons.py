"""Lessons: what a job learns of a model's corrections, and what waits for the next one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.feedback.lineage import Lineage
from app.feedback.share import ALWAYS, taken
from app.feedback.store import FeedbackStore
from app.feedback.tables import Correction


@dataclass(frozen=True)
class Lesson:
    """The corrections of one job, the oldest first."""

    taken: Sequence[Correction]
    waiting: int  # how many more there are, of givers who have given more than their share

    def said(self, share: float) -> str:
        """What people should know of it; empty where nothing waits."""
        if not self.waiting:
            return ""
        wait = "1 correction waits" if self.waiting == 1 else f"{self.waiting:,} corrections wait"
        return f"{wait} for the next job: one learns from each giver {share:.0%} of its pictures at most, or {ALWAYS}."


class Lessons:
    """It blocks: call it from a thread. Every method may raise DatabaseUnavailable."""

    def __init__(self, store: FeedbackStore, lineage: Lineage, share: float) -> None:
        """Of what a job learns `share` at most comes from one giver (app.feedback.share)."""
        self._store = store
        self._lineage = lineage
        self.share = share

    def of(self, model: str, until: float | None = None) -> Lesson:
        """What a job learns that was made at the time `until`; None: now."""
        there = self._store.chosen(model, until=until)
        settled = self._lineage.learned_by_champion(model) if self.share < 1 and there else ()
        chosen = taken(there, self.share, settled)
        return Lesson(chosen, len(there) - len(chosen))

    def per_label(self, model: str) -> Mapping[str, int]:
        """How many corrections of each label a job would learn now."""
        return dict(sorted(Counter(one.label for one in self.of(model).taken).items()))
