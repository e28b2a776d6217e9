"""A request until it is answered: what is sent again, how often, and what the answers that say no become."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from digitserve.client.errors import Busy, DigitServeError, Refused, Unreachable
from digitserve.client.steps import Ask, Pause, Repeat, Reply, Steps

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds; doubled from try to try
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout)  # the server never saw the request
_LONGEST_SENTENCE = 2000  # characters; whoever answers may be anybody


class Exchange:
    """All requests of one client."""

    def __init__(self, where: str, retry_seconds: float) -> None:
        """`where` is the server as a sentence may name it. Of one request the pauses are no longer than
        `retry_seconds` together.
        """
        self.where = where
        self.retry_seconds = retry_seconds
        self._heard = False  # whether anybody is there at all

    def ask(self, ask: Ask) -> Steps[Reply]:
        """The answer, which is a good one. Raises DigitServeError."""
        waited, pause, lost = 0.0, FIRST_PAUSE, False
        while True:
            try:
                reply = yield ask
            except httpx.TransportError as error:
                problem: DigitServeError = self.unanswered(error)
                unsent = isinstance(error, _UNSENT)
                lost = lost or not unsent
                again = self.is_worth_it(error, waited) and (unsent or ask.repeat is Repeat.ALWAYS)
            else:
                assert isinstance(reply, Reply)
                self._heard = True
                if 200 <= reply.status < 300:
                    return reply
                problem = self.problem(reply, may_be_done=lost)
                again = isinstance(problem, Busy) and (reply.status == 429 or ask.repeat is not Repeat.UNSENT)
            seconds = max(pause, problem.retry_after or 0.0)
            if not again or waited + seconds > self.retry_seconds:
                raise problem from None
            yield Pause(seconds)
            waited, pause = waited + seconds, min(2 * pause, LONGEST_PAUSE)

    def document(self, ask: Ask) -> Steps[Mapping[str, Any]]:
        """The answer's JSON object. Raises DigitServeError."""
        reply = yield from self.ask(ask)
        try:
            found = json.loads(reply.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.problem(reply)
        return found

    def is_worth_it(self, error: httpx.TransportError, waited: float) -> bool:
        """Whether to ask again after it: not where an answer took too long, nor where nobody was ever there."""
        if isinstance(error, _UNSENT):
            return self._heard or waited == 0
        return not isinstance(error, httpx.TimeoutException)

    def unanswered(self, error: httpx.TransportError) -> Unreachable:
        """That nobody answers, as an error."""
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            return Unreachable(
                f"{self.where} took too long to answer. Give the client a longer timeout.", code="timeout"
            )
        if isinstance(error, _UNSENT):
            return Unreachable(
                f"{self.where} does not answer. Start the server (digitserve serve), or look at base_url.",
                code="no_server",
            )
        return Unreachable(f"{self.where} broke the connection off. Ask again.", code="connection_lost")

    def problem(self, reply: Reply, *, may_be_done: bool = False) -> DigitServeError:
        """What an answer means that is not as it was wanted."""
        kind: type[DigitServeError] = DigitServeError
        if reply.status in (429, 503):
            kind = Busy
        elif 400 <= reply.status < 500:
            kind = Refused
        try:
            told = json.loads(reply.body)
            detail, code = str(told["detail"])[:_LONGEST_SENTENCE], str(told.get("code", ""))
        except (ValueError, KeyError, TypeError):
            detail, code = f"{self.where} answered {reply.status}, as DigitServe does not. Look at base_url.", ""
        wait = reply.headers.get("retry-after", "")
        return kind(
            detail,
            code=code,
            status=reply.status,
            request_id=reply.headers.get("x-request-id"),
            retry_after=float(wait) if wait.isascii() and wait.isdecimal() else None,
            may_be_done=may_be_done,
        )


class Asking:
    """What asks a server."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
