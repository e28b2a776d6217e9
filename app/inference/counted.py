"""Counts what versions read: every picture and digit that somebody asked for, by whichever way it came."""

from collections.abc import Sequence

from app.inference.answer import Answers, Durations, PageAnswer
from app.inference.verdict import Verdict
from app.telemetry.instruments import OTHER
from app.telemetry.measures import Measures
from models_store.errors import ImageRejected
from models_store.manifest import Manifest

_MOST_LABELS = 64  # of a version that are told apart
_WORDS = {False: "false", True: "true"}


class ReadingCounts:
    """Any thread may count."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def answers(self, answers: Answers) -> None:
        """What was said of several pictures; has their verdicts made."""
        verdicts = []
        for item in answers.items:
            if isinstance(item, ImageRejected):
                self.refused(item)
            else:
                verdicts.append(item.verdict)
        self._read(answers.version.ref, answers.version.manifest, verdicts, answers.seconds)

    def page(self, page: PageAnswer) -> None:
        """What was said of the digits of one; has their verdicts made."""
        self._read(page.version.ref, page.version.manifest, page.verdicts, page.seconds)

    def refused(self, refusal: ImageRejected) -> None:
        """One picture could not be read."""
        self._measures.pictures_refused.add((refusal.code,))

    def _read(self, ref: str, manifest: Manifest, verdicts: Sequence[Verdict], seconds: Durations) -> None:
        measures, version = self._measures, (ref,)
        known = manifest.labels if len(manifest.labels) <= _MOST_LABELS else manifest.labels[: _MOST_LABELS - 1]
        for verdict in verdicts:
            label = verdict.label if verdict.label in known else OTHER
            measures.readings.add((ref, label, _WORDS[verdict.uncertain]))
            measures.confidence.observe(version, verdict.confidence)
        measures.step_seconds.observe((ref, "prepare"), seconds.prepare)
        if verdicts:
            measures.step_seconds.observe((ref, "queue"), seconds.queue)
            measures.step_seconds.observe((ref, "infer"), seconds.infer)
