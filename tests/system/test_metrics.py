"""What Prometheus' own parsers read from a server of two processes and a worker: exactly what was sent."""

import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as in_open_metrics
from prometheus_client.parser import text_string_to_metric_families as in_text

from tests.conftest import set_apart
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.pictures import png
from tests.support.rows import written
from tests.system.harness import events, serving, until
from training.synthetic import strokes

DIGITS = [png(strokes.unit(digit, np.random.default_rng(digit))) for digit in range(10)]
PAGE = png(written(["1907 365", "42"], np.random.default_rng(3), height=60).levels)
CLIENT = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS, headers={"connection": "close"})  # each of its own
WATCHING = ("/readyz", "/metrics", "/healthz")


class Scrape:
    """All that one answer of /metrics says."""

    def __init__(self, url: str) -> None:
        plain = CLIENT.get(f"{url}/metrics")
        spelled_open = CLIENT.get(f"{url}/metrics", headers={"accept": "application/openmetrics-text"})
        assert (plain.status_code, spelled_open.status_code) == (200, 200)
        self.families = {family.name: family for family in in_text(plain.text)}
        self.again = {family.name: family for family in in_open_metrics(spelled_open.text)}  # type: ignore[no-untyped-call]

    def samples(
        self, name: str, *labels: str, families: Mapping[str, Metric] | None = None
    ) -> dict[tuple[str, ...], float]:
        """Of one name, by the values of some of its labels; what differs in others is added up."""
        found: Counter[tuple[str, ...]] = Counter()
        for family in (families or self.families).values():
            for sample in family.samples:
                if sample.name == name and sample.labels.get("route") not in WATCHING:
                    found[tuple(sample.labels[label] for label in labels)] += sample.value  # type: ignore[assignment]
        return dict(found)

    @property
    def counted(self) -> dict[tuple[str, ...], float]:
        """Every sample of every counter and histogram, but of who watches."""
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in self.families.values()
            for sample in family.samples
            if family.type in ("counter", "histogram") and sample.labels.get("route") not in WATCHING
        }


class Sender:
    """A client that keeps account of what it was answered. Each request has a connection of its own, so that every
    process gets some."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: Counter[tuple[str, ...]] = Counter()
        self.codes: Counter[tuple[str, ...]] = Counter()
        self.labels: Counter[tuple[str, ...]] = Counter()
        self.refused: Counter[tuple[str, ...]] = Counter()
        self.calls = 0  # for readings, that came to a version

    def send(self, method: str, path: str, route: str = "", **given: Any) -> Any:
        """What was answered, as JSON."""
        answer = CLIENT.request(method, self.url + path, **given)
        self.requests[method, route or path, str(answer.status_code)] += 1
        told = answer.json()
        if answer.status_code >= 400:
            self.codes[told["code"],] += 1
        return told

    def read(self, picture: bytes) -> None:
        self._told([self.send("POST", "/v1/predict", content=picture, headers={"content-type": "image/png"})])

    def read_many(self, *pictures: bytes) -> None:
        files = [("files", (f"{number}.png", picture)) for number, picture in enumerate(pictures)]
        self._told(self.send("POST", "/v1/predict/batch", files=files)["predictions"])

    def read_page(self, page: bytes) -> None:
        told = self.send("POST", "/v1/read", content=page, headers={"content-type": "image/png"})
        self._told([digit for line in told["lines"] for number in line["numbers"] for digit in number["digits"]])

    def say_nonsense(self) -> None:
        """Bytes that are no HTTP."""
        place = urlsplit(self.url)
        with socket.create_connection((place.hostname, place.port), PATIENCE_SECONDS) as connection:
            connection.sendall(b"NONSENSE\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
        self.requests["other", "other", "400"] += 1
        self.codes["request_malformed",] += 1

    def all_kinds(self) -> None:
        """Good and bad, one and many, for a route and for none."""
        for digit in DIGITS:
            self.read(digit)
            self.read(b"no picture")
        self.read_many(*DIGITS[:3], b"no picture", DIGITS[3])
        self.read_many(*DIGITS, *DIGITS)
        self.read_page(PAGE)
        self.say_nonsense()
        for number in range(3):
            self.send("GET", f"/nowhere/{number}", "other")
            self.send("GET", f"/v1/models/digits@{90 + number}", "/v1/models/{ref}")
        self.send("POST", "/v1/predict?model=nobody", "/v1/predict", content=DIGITS[0])
        self.send("POST", "/v1/predict", content=DIGITS[0], headers={"origin": "https://elsewhere.example"})

    def _told(self, verdicts: list[Any]) -> None:
        self.calls += 1
        for verdict in verdicts:
            if "label" in verdict:
                self.labels[verdict["label"], str(verdict["uncertain"]).lower()] += 1
            else:
                self.refused[verdict.get("code") or verdict["error"]["code"],] += 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Its address and its log."""
    folder = tmp_path_factory.mktemp("counted")
    with pytest.MonkeyPatch.context() as environment:
        set_apart(environment, folder)
        with serving(folder / "log", "--workers", "2") as (_, url):
            until(folder / "log", "ready", count=2)
            until(folder / "log", "worker_ready")
            yield url, folder / "log"


@pytest.fixture(scope="module")
def sender(server: tuple[str, Path]) -> Sender:
    return Sender(server[0])


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that answers nobody for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def running(log: Path, role: str) -> dict[str, int]:
    """The processes of a role, by the names that metrics have for them."""
    return {
        f"{role}-{event['slot']}": int(str(event["pid"]))
        for event in events(log, "process_started")
        if event["role"] == role
    }


def all_of(url: str, sender: Sender) -> Scrape:
    """A scrape with all that was sent, in both formats: what a neighbour counts a process hears a little later."""

    def scraped() -> Scrape | None:
        scrape = Scrape(url)
        names = "digitserve_requests_total", "method", "route", "status"
        found = [scrape.samples(*names, families=families) for families in (scrape.families, scrape.again)]
        return scrape if found == [sender.requests] * 2 else None

    return wait_until(scraped, progress=lambda: Scrape(url).counted)


def test_counters_equal_what_was_sent_to_two_processes(server: tuple[str, Path], sender: Sender) -> None:
    url, _ = server
    sender.all_kinds()
    scrape = all_of(url, sender)
    check(scrape, sender)


def check(scrape: Scrape, sender: Sender) -> None:
    """Everything is as the client has counted it, in both formats."""
    assert sum(sender.labels.values()) >= 43
    for families in (scrape.families, scrape.again):

        def of(name: str, *labels: str, families: Mapping[str, Metric] = families) -> dict[tuple[str, ...], float]:
            return scrape.samples(f"digitserve_{name}", *labels, families=families)

        assert of("requests_total", "method", "route", "status") == sender.requests
        assert of("refusals_total", "code") == sender.codes
        assert of("readings_total", "label", "uncertain") == sender.labels
        assert of("pictures_refused_total", "code") == sender.refused
        read = sum(sender.labels.values())
        assert of("reading_confidence_ratio_count", "version") == {("digits@1",): read}
        assert of("batch_rows_sum", "version") == {("digits@1",): read}
        assert of("reading_step_seconds_count", "step")["prepare",] == sender.calls
        seconds = of("request_duration_seconds_count", "method", "route")
        unread = sender.requests["other", "other", "400"]  # nobody knows when it began
        assert sum(seconds.values()) == sender.requests.total() - unread
        for name in ("request_duration_seconds", "reading_confidence_ratio", "reading_step_seconds", "batch_rows"):
            buckets = of(f"{name}_bucket", "le")
            assert buckets["+Inf",] == sum(of(f"{name}_count").values())


def test_whichever_process_is_asked_says_the_same(server: tuple[str, Path], sender: Sender) -> None:
    url, log = server
    all_of(url, sender)
    first, second = running(log, "api").values()

    def alike() -> Scrape | None:  # unless one was stopped before the other had heard all
        with stopped(second):
            by_first = Scrape(url)
        with stopped(first):
            by_second = Scrape(url)
        return by_second if by_first.counted == by_second.counted else None

    gauges = wait_until(alike).samples("digitserve_process_resident_memory_bytes", "process")
    assert set(gauges) == {("api-1",), ("api-2",), ("worker-1",), ("supervisor",)}
    assert min(gauges.values()) > 10 * 2**20


@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_killed_process_goes_on_counting_from_where_it_was(
    server: tuple[str, Path], sender: Sender, role: str
) -> None:
    url, log = server
    before = all_of(url, sender)
    name, victim = list(running(log, role).items())[-1]
    ready = "ready" if role == "api" else "worker_ready"
    count = len(events(log, ready))
    os.kill(victim, signal.SIGKILL)
    until(log, ready, count=count + 1)
    sender.all_kinds()
    after = all_of(url, sender)
    check(after, sender)
    assert all(after.counted[sample] >= value for sample, value in before.counted.items())
    wait_until(lambda: Scrape(url).samples("digitserve_process_starts_total", "process").get((name,)) == 2)


def test_stats_say_the_same_and_the_supervisor_counts_for_drift(server: tuple[str, Path], sender: Sender) -> None:
    all_of(server[0], sender)
    told, read = CLIENT.get(f"{server[0]}/v1/stats").json(), sum(sender.labels.values())
    refused = {code: count for (code,), count in sender.codes.items()}
    assert (told["requests"]["refused"], told["versions"][0]["readings"]) == (refused, read)
    wait_until(lambda: [read] == [one["readings"] for one in CLIENT.get(f"{server[0]}/v1/stats").json()["drift"]])
