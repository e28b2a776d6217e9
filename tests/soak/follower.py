"""Follows jobs by their stream of events, with the client that Python programs have, over whatever happens."""

import random

import httpx

from digitserve import Busy, Client, Refused, Unreachable
from tests.soak.ledger import gaps
from tests.soak.people import ASK_SECONDS, Person, Seen
from tests.soak.server import Server

_KIND = "streams"


class Follower(Person):
    """Takes a job that was acknowledged, and listens until it has ended: each event once, in order."""

    def __init__(self, server: Server, seen: Seen, source: str, seed: str) -> None:
        super().__init__(server, seen, source)
        self._random = random.Random(seed)
        self._url = server.url  # the same after each accident

    def act(self) -> None:
        left = [job for job in list(self.seen.keys.values()) if job not in self.seen.streams]
        if not left:
            self.stopped.wait(0.2)
            return
        job = self._random.choice(left[-8:])
        heard: list[tuple[str, str]] = []
        transport = httpx.HTTPTransport(local_address=self.source, verify=False)
        with Client(self._url, timeout=ASK_SECONDS, transport=transport, sleep=self._wait) as client:
            if self._followed(client, job, heard):
                self.seen.done[_KIND] += 1
        self.seen.streams[job] = heard
        self.seen.wrong += [f"the stream of {job}: {line}" for line in gaps(int(number) for number, _ in heard)]

    def _followed(self, client: Client, job: str, heard: list[tuple[str, str]]) -> bool:
        """Whether it was heard to its end; how often it could not be is counted."""
        while not self.stopped.is_set():
            try:
                for event in client.events(job, heard[-1][0] if heard else "0"):
                    heard.append((event.number, event.message))
                    if self.stopped.is_set():
                        return False
                return True
            except (Busy, Unreachable):
                self.seen.later[_KIND] += 1
                self.stopped.wait(0.5)
            except Refused as refusal:
                self.seen.wrong.append(f"the stream of {job} was refused: {refusal.code} {refusal}")
                return False
        return False

    def _wait(self, seconds: float) -> None:
        self.stopped.wait(seconds)
