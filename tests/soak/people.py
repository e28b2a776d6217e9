"""People who use the service meanwhile: they make jobs until each is acknowledged, pause, resume and cancel some, and
never stop to ask for predictions.
"""

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.soak.server import Server
from tests.support.patience import PATIENCE_SECONDS, wait_until

JOBS = "/v1/fine_tuning/jobs"
_OPEN = 4  # jobs that wait or run at once: more only wait
_HERS = {"by": "orderer"}  # what tells them from the attackers' jobs
ENDED = ("succeeded", "failed", "cancelled")


@dataclass
class Seen:
    """What people were told, and what they saw go wrong."""

    keys: dict[str, str] = field(default_factory=dict)  # Idempotency-Key -> the job that was acknowledged
    cancelled: set[str] = field(default_factory=set)  # jobs whose cancelling was acknowledged
    answers: int = 0  # predictions
    refused: int = 0  # predictions that were answered 503: come again
    seconds: list[float] = field(default_factory=list)  # that each prediction took
    unanswered: list[tuple[float, float, str]] = field(default_factory=list)  # asked, given up, why
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
        transport=httpx.HTTPTransport(local_address=source, verify=False), timeout=PATIENCE_SECONDS, trust_env=False
    )


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
        while not self.stopped.is_set():
            self.act()

    def act(self) -> None:
        """Does it once."""
        raise NotImplementedError

    def stop(self) -> None:
        """Returns when the last act is done."""
        self.stopped.set()
        self.join()


class Asker(Person):
    """Posts a picture again and again, on a new connection each time."""

    def __init__(self, server: Server, seen: Seen, source: str, picture: bytes, pause: float) -> None:
        """`pause` is how many seconds pass between an answer and the next question."""
        super().__init__(server, seen, source)
        self._picture = picture
        self._pause = pause

    def act(self) -> None:
        url, asked = self.server.url, time.monotonic()
        if not url:
            time.sleep(0.05)
            return
        try:
            with client(self.source) as connection:
                answer = connection.post(
                    f"{url}/v1/predict", content=self._picture, headers={"content-type": "image/png"}
                )
        except httpx.TransportError as error:
            self.seen.unanswered.append((asked, time.monotonic(), type(error).__name__))
        else:
            if answer.status_code == 200:
                self.seen.answers += 1
                self.seen.seconds.append(time.monotonic() - asked)
            elif answer.status_code == 503:
                self.seen.refused += 1
            else:
                self.seen.unanswered.append((asked, time.monotonic(), f"{answer.status_code} {answer.text[:200]}"))
        time.sleep(self._pause)


class Orderer(Person):
    """Makes jobs, and changes its mind about some of them."""

    def __init__(self, server: Server, seen: Seen, source: str, file_id: str, seed: str) -> None:
        super().__init__(server, seen, source)
        self._file = file_id
        self._random = random.Random(seed)
        self._seed = seed
        self._made = 0

    def act(self) -> None:
        time.sleep(self._random.uniform(0.2, 1.5))
        page = ask(self.server, "GET", JOBS, self.source, params={"limit": 100, "metadata[by]": _HERS["by"]})
        if page is None or page.status_code != 200:
            return
        waiting = [job for job in page.json()["data"] if job["status"] not in ENDED]
        self.seen.open = len(waiting)
        if len(waiting) < _OPEN:
            self._make()
        elif self._random.random() < 0.5:
            self._change(self._random.choice(waiting))

    def _make(self) -> None:
        """The same request with the same key until it is acknowledged, whatever happens meanwhile."""
        self._made += 1
        key = f"{self._seed}-{self._made}"
        supervised = {"promote": self._random.choice(["never", "if_better"])}
        body = {
            "model": "digits", "training_file": self._file, "seed": self._made,
            "hyperparameters": {"n_epochs": self._random.choice([20, 60, 150])},
            "method": {"type": "supervised", "supervised": supervised}, "metadata": _HERS,
        }  # fmt: skip
        while True:
            answer = ask(self.server, "POST", JOBS, self.source, json=body, headers={"Idempotency-Key": key})
            if answer is not None and answer.status_code == 201:
                self.seen.keys[key] = answer.json()["id"]
                return
            if answer is not None and answer.status_code not in (429, 503, 507):
                self.seen.wrong.append(f"making a job: {answer.status_code} {answer.text[:300]}")
                return
            time.sleep(0.2)

    def _change(self, job: dict[str, Any]) -> None:
        what = "resume" if job["paused"] else self._random.choice(["pause", "cancel"])
        answer = ask(self.server, "POST", f"{JOBS}/{job['id']}/{what}", self.source)
        if answer is None or answer.status_code in (409, 429, 503, 507):
            return  # it has ended meanwhile, or nobody can say whether it was done
        if answer.status_code != 200:
            self.seen.wrong.append(f"{what}: {answer.status_code} {answer.text[:300]}")
        elif what == "cancel":
            self.seen.cancelled.add(job["id"])

    def wait_for_the_last(self) -> list[str]:
        """Resumes what is paused and waits until every job has ended; the ids of those that do not."""
        left = dict.fromkeys(self.seen.keys.values(), "")
        try:
            wait_until(lambda: not self._look(left), progress=lambda: dict(left))
        except AssertionError:
            return sorted(left)
        return []

    def _look(self, left: dict[str, str]) -> int:
        """How many of these jobs have not ended; how far each has come is written beside it."""
        for job_id in sorted(left):
            answer = ask(self.server, "GET", f"{JOBS}/{job_id}", self.source)
            if answer is None or answer.status_code != 200:
                continue
            job = answer.json()
            if job["status"] in ENDED:
                del left[job_id]
                continue
            left[job_id] = f"{job['status']} {job['attempt']} {job['progress']}"
            if job["paused"]:
                ask(self.server, "POST", f"{JOBS}/{job_id}/resume", self.source)
        self.seen.open = len(left)
        return len(left)
