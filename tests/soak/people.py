"""People who use the service meanwhile: what they all share, and what they were told."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.soak.ledger import Ledger
from tests.soak.server import Server

JOBS, FILES, FEEDBACK = "/v1/fine_tuning/jobs", "/v1/files", "/v1/feedback"
PICTURES = ("predictions", "drawings", "photographs", "pages", "batches", "v2")  # kinds of work of those who ask
LATER = (429, 503, 507)  # answers that any request may get: too much, not now, no room
# What is said of a picture or a data set whose decoder was killed, or got no turn for half a minute.
UNREAD = ("picture_unreadable", "image_too_complex", "data_unreadable", "data_set_too_complex", "data_set_unread")
ASK_SECONDS = 120.0  # in which every request is answered, also while all that answers is stopped for a while


@dataclass
class Seen:
    """What people were told, and what they saw go wrong."""

    keys: dict[str, str] = field(default_factory=dict)  # Idempotency-Key -> the job that was acknowledged
    cancelled: set[str] = field(default_factory=set)  # jobs whose cancelling was acknowledged
    done: Counter[str] = field(default_factory=Counter)  # by the kind of work: what was answered, and rightly
    later: Counter[str] = field(default_factory=Counter)  # likewise: what was answered 429, 503 or 507
    refused: int = 0  # pictures that were answered 503: come again
    seconds: list[float] = field(default_factory=list)  # that each prediction took
    unanswered: list[tuple[float, float, str]] = field(default_factory=list)  # asked, given up, why: of what is read
    files: Ledger = field(default_factory=Ledger)  # an upload's id -> its sha256
    corrections: Ledger = field(default_factory=Ledger)  # a correction's id -> its label
    aliases: Ledger = field(default_factory=Ledger)  # -> the number that it points at
    streams: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # a job -> number and text of its events
    wrong: list[str] = field(default_factory=list)
    open: int = 0  # jobs that have not ended


def ask(server: Server, method: str, path: str, source: str, **details: Any) -> httpx.Response | None:
    """One request from one of this machine's own addresses; None where nobody answered."""
    if not server.url:
        return None
    try:
        with client(source) as connection:
            return connection.request(method, server.url + path, **details)
    except httpx.TransportError:
        return None


def client(source: str) -> httpx.Client:
    """Each of these people has an address of their own, as on a network: 127.0.0.0/8 are all this machine's."""
    return httpx.Client(
        transport=httpx.HTTPTransport(local_address=source, verify=False), timeout=ASK_SECONDS, trust_env=False
    )


def unread_in(answer: httpx.Response) -> str:
    """The code of UNREAD that it has, also of one picture of many; empty where it has none."""
    return next((code for code in UNREAD if f'"code":"{code}"'.encode() in answer.content), "")


class Person(threading.Thread):
    """Something that is done again and again until it is stopped."""

    def __init__(self, server: Server, seen: Seen, source: str) -> None:
        """`source` is the address that it comes from."""
        super().__init__(daemon=True)
        self.server = server
        self.seen = seen
        self.source = source
        self.stopped = threading.Event()

    def run(self) -> None:
        try:
            while not self.stopped.is_set():
                self.act()
        except Exception as error:
            self.seen.wrong.append(f"{type(self).__name__} could not go on: {error!r}")
            raise

    def act(self) -> None:
        """Does it once."""
        raise NotImplementedError

    def ask(self, kind: str, method: str, path: str, **details: Any) -> httpx.Response | None:
        """One request of a kind of work; None where nobody answered, or was busy."""
        answer = ask(self.server, method, path, self.source, **details)
        if answer is None:
            return None
        if answer.status_code in LATER:
            self.seen.later[kind] += 1
            return None
        if unread := unread_in(answer):
            now = time.monotonic()
            self.seen.unanswered.append((now - answer.elapsed.total_seconds(), now, f"{kind}: {unread}"))
            return None
        return answer

    def expect(self, kind: str, answer: httpx.Response, *statuses: int) -> bool:
        """Whether it is one of these, which counts as done; otherwise it is written down as wrong."""
        if answer.status_code in statuses:
            self.seen.done[kind] += 1
            return True
        self.seen.wrong.append(f"{kind}: {answer.request.method} {answer.request.url.path} was answered "
                               f"{answer.status_code} {answer.text[:300]}")  # fmt: skip
        return False

    def rest(self, least: float, most: float, chance: random.Random) -> bool:
        """Waits a while; whether to go on."""
        return not self.stopped.wait(chance.uniform(least, most))

    def stop(self) -> None:
        """Returns when the last act is done."""
        self.stopped.set()
        self.join()
