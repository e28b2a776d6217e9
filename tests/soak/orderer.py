"""Makes jobs until each is acknowledged, and pauses, resumes and cancels some."""

import random
import time
from typing import Any

from tests.soak.people import JOBS, LATER, Person, Seen, ask
from tests.soak.server import Server
from tests.support.patience import wait_until

_END_SECONDS = 60.0  # in which a job that is cancelled, or publishes, comes to its end on a busy machine
_OPEN = 4  # jobs that wait or run at once: more only wait
_HERS = {"by": "orderer"}  # what tells them from the attackers' jobs
ENDED = ("succeeded", "failed", "cancelled")


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
                self.seen.done["jobs ordered"] += 1
                return
            if answer is not None and answer.status_code not in LATER:
                self.seen.wrong.append(f"making a job: {answer.status_code} {answer.text[:300]}")
                return
            time.sleep(0.2)

    def _change(self, job: dict[str, Any]) -> None:
        what = "resume" if job["paused"] else self._random.choice(["pause", "cancel"])
        answer = ask(self.server, "POST", f"{JOBS}/{job['id']}/{what}", self.source)
        if answer is None or answer.status_code in (409, *LATER):
            return  # it has ended meanwhile, or nobody can say whether it was done
        if answer.status_code != 200:
            self.seen.wrong.append(f"{what}: {answer.status_code} {answer.text[:300]}")
        elif what == "cancel":
            self.seen.cancelled.add(job["id"])

    def wait_for_the_last(self, seconds: float) -> list[str]:
        """Resumes what is paused and waits until every job has ended; those that have not in so many seconds are
        cancelled. The ids of those that do not end then either."""
        left, give_up = dict.fromkeys(self.seen.keys.values(), ""), time.monotonic() + seconds
        while self._look(left) and time.monotonic() < give_up:
            time.sleep(0.5)
        try:
            wait_until(lambda: not self._cancelled(left), seconds=_END_SECONDS)
        except AssertionError:
            return sorted(left)
        return []

    def _cancelled(self, left: dict[str, str]) -> int:
        """How many have not ended, after each was told to."""
        for job_id in sorted(left):
            answer = ask(self.server, "POST", f"{JOBS}/{job_id}/cancel", self.source)
            if answer is not None and answer.status_code == 200:
                self.seen.cancelled.add(job_id)
        return self._look(left)

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
