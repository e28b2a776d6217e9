"""Reads /metrics as Prometheus does: what is counted never becomes less while one server lives."""

from collections.abc import Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.soak.people import Person, Seen
from tests.soak.server import Server

_PAUSE_SECONDS = 2.0
_KIND = "scrapes"
_COUNTED = ("counter", "histogram")

Series = tuple[str, tuple[tuple[str, str], ...]]  # a sample's name and its labels


def counted(text: str) -> dict[Series, float]:
    """All samples of a page that only grow: those of counters and histograms, without when they were made."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        if family.type in _COUNTED
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def shrunk(before: Mapping[Series, float], after: Mapping[Series, float]) -> Iterator[str]:
    """A line for each that became less, or is there no more; what is of one process may go with it."""
    for (name, labels), value in before.items():
        now = after.get((name, labels))
        if now is None and "process" in dict(labels):
            continue
        if now is None or now < value:
            said = ",".join(f'{key}="{text}"' for key, text in labels)
            yield f"{name}{{{said}}} went from {value:g} to {'nothing' if now is None else f'{now:g}'}"


class Scraper(Person):
    """Scrapes every other second. What one supervisor counted is over when it was killed."""

    def __init__(self, server: Server, seen: Seen, source: str) -> None:
        super().__init__(server, seen, source)
        self._last: dict[Series, float] = {}
        self._of = server.starts  # the start that it was counted since

    def act(self) -> None:
        if self.stopped.wait(_PAUSE_SECONDS):
            return
        starts = self.server.starts
        answer = self.ask(_KIND, "GET", "/metrics")
        if answer is None or starts != self.server.starts or not self.expect(_KIND, answer, 200):
            return
        found = counted(answer.text)
        if starts == self._of:
            self.seen.wrong += [f"a counter: {line}" for line in shrunk(self._last, found)]
        self._last, self._of = found, starts
