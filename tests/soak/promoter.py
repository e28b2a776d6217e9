"""Lets one version after another serve, by compare-and-swap, and rolls back."""

import random
from typing import Any

from tests.soak.people import Person, Seen
from tests.soak.server import Server

_PAUSE = (1.0, 4.0)  # seconds from one act to the next
_OWN = "soak"  # an alias that nobody else moves
_KIND = "promotions"
_LOST = (404, 409)  # the version was rejected, somebody was quicker


class Promoter(Person):
    """Moves its own alias, which must be where it was told, and the champion, which jobs move too."""

    def __init__(self, server: Server, seen: Seen, source: str, seed: str) -> None:
        super().__init__(server, seen, source)
        self._random = random.Random(seed)

    def act(self) -> None:
        if not self.rest(*_PAUSE, self._random):
            return
        models = self.ask(_KIND, "GET", "/v1/models")
        if models is None or models.status_code != 200:
            return
        (model,) = (entry for entry in models.json()["data"] if entry["id"] == "digits")
        number = self._random.choice(model["versions"])
        chance = self._random.random()
        if chance < 0.5:
            self._move_own(model, number)
        elif chance < 0.85:
            self._promote("champion", number, model["aliases"]["champion"])
        else:
            answer = self.ask(_KIND, "POST", "/v1/models/digits/rollback")
            if answer is not None and ("previous" in model["aliases"] or answer.status_code != 404):
                self.expect(_KIND, answer, 200)

    def _move_own(self, model: dict[str, Any], number: int) -> None:
        """Twice by the same request: the second must find that it has moved."""
        is_at = model["aliases"].get(_OWN)
        self.seen.wrong += self.seen.aliases.broken("while it serves, the alias", lambda _: is_at and str(is_at))
        self.seen.aliases.asked(_OWN, str(number))
        answer = self._promote(_OWN, number, is_at)
        if answer == 200:
            self.seen.aliases.told(_OWN, str(number))
            if number != is_at and self._promote(_OWN, number, is_at) == 200:
                self.seen.wrong.append(f"{_OWN} moved from {is_at} to {number} twice")
        elif answer is not None:
            self.seen.aliases.refused(_OWN, str(number))

    def _promote(self, alias: str, number: int, expected: int | None) -> int | None:
        """The answer's status; None where nobody can say whether it was done."""
        body = {"version": number, "expected": expected}
        answer = self.ask(_KIND, "PUT", f"/v1/models/digits/aliases/{alias}", json=body)
        if answer is None:
            return None
        if answer.status_code not in _LOST:
            self.expect(_KIND, answer, 200)
        return answer.status_code
