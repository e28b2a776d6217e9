"""Which API processes answer. While none does, the stand-in answers; where none ever will, the server ends."""

from collections.abc import Callable
from typing import Any, Protocol

from app.supervision.readiness import ANSWERING, FAILED
from app.supervision.slots import Slot
from app.web.problems import Problem
from app.web.stand_in import STARTING

_TRIES = 3  # of a process that is killed before it answers: memory may be short for a moment


class Responder(Protocol):
    """What answers while no process does."""

    def answer(self, problem: Problem) -> None:
        """From now on it answers."""

    def rest(self) -> None:
        """From now on it does not."""


class Answering:
    """Hears what becomes of the processes. A start has failed when each API process has ended before any answered: by
    itself, or three times by a signal. Afterwards a process that ends is started again for ever."""

    def __init__(self, processes: int, responder: Responder, give_up: Callable[[], None]) -> None:
        """`processes` are the API processes of this server; the `responder` answers already; `give_up` is called when
        the start has failed."""
        self._processes = processes
        self._responder = responder
        self._give_up = give_up
        self._running: set[int] = set()
        self._answer: set[int] = set()
        self._kills: dict[int, int] = {}  # by the number of the slot
        self._hopeless: set[int] = set()
        self._began = False
        self._why = "No process could answer; what it said stands above."

    @property
    def began(self) -> bool:
        """Whether any has answered."""
        return self._began

    def failure(self) -> str | None:
        """Why the start has failed, None where it has not, or not yet."""
        return self._why if len(self._hopeless) >= self._processes and not self._began else None

    def started(self, slot: Slot, pid: int) -> None:
        """A process was started."""
        if slot.role == "api":
            self._running.add(pid)

    def told(self, facts: dict[str, Any]) -> None:
        """An API process said something."""
        if facts["event"] == FAILED:
            self._why = str(facts["why"])
        if facts["event"] == ANSWERING and facts["pid"] in self._running:
            self._began = True
            self._answer.add(facts["pid"])
            self._responder.rest()

    def ended(self, slot: Slot, pid: int, code: int) -> None:
        """A process has ended."""
        if slot.role != "api":  # a worker takes nobody's answer away
            return
        self._running.discard(pid)
        self._answer.discard(pid)
        if not self._answer:
            self._responder.answer(STARTING)
        if not self._began:
            self._kills[slot.number] = self._kills.get(slot.number, 0) + 1
            if code > 0 or self._kills[slot.number] >= _TRIES:
                self._hopeless.add(slot.number)
            if self.failure():
                self._give_up()
