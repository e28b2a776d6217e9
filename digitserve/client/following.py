"""One job's events, over as many connections as it takes."""

import httpx

from digitserve.client.errors import Unreachable
from digitserve.client.exchange import FIRST_PAUSE, LONGEST_PAUSE, Exchange
from digitserve.client.steps import Ask, HangUp, More, Pause, Steps
from digitserve.client.stream import EventReader, JobEvent


class Following:
    """Where one is in a job's events: `next` gives one after another, `hang_up` ends it before the last."""

    def __init__(self, exchange: Exchange, path: str, after: str = "0") -> None:
        self._exchange = exchange
        self._path = path
        self._last = after  # what Last-Event-ID says
        self._line: object = None  # while one is open
        self._ready: list[JobEvent] = []
        self._reader = EventReader()
        self._waited, self._pause = 0.0, FIRST_PAUSE  # seconds, since the last event
        self._is_over = False

    def next(self) -> Steps[JobEvent | None]:
        """The next event; None after the last. Raises DigitServeError."""
        while not self._ready:
            if self._is_over:
                return None
            if self._line is None:
                yield from self._open()
            else:
                yield from self._listen()
        event = self._ready.pop(0)
        if event.is_last:
            self._is_over = True
            self._ready.clear()
            yield from self.hang_up()
        if event.type == "end":
            return None
        self._last = event.number or self._last
        return event

    def hang_up(self) -> Steps[None]:
        """Closes the connection, where one is open."""
        if self._line is not None:
            line, self._line = self._line, None
            yield HangUp(line)

    def _open(self) -> Steps[None]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self._last}
        reply = yield from self._exchange.ask(Ask("GET", self._path, headers=headers, streams=True))
        self._line, self._reader = reply.line, EventReader()

    def _listen(self) -> Steps[None]:
        """What the line brings. However it breaks once it stands, it is opened again: the server was there."""
        try:
            chunk = yield More(self._line)
        except httpx.TransportError:
            chunk = b""
        assert isinstance(chunk, bytes)
        if chunk:
            self._ready += self._reader.feed(chunk)
            if self._ready:
                self._waited, self._pause = 0.0, FIRST_PAUSE
            return
        yield from self.hang_up()
        if self._waited + self._pause > self._exchange.retry_seconds:
            raise Unreachable(f"{self._exchange.where} ends every stream. Look for the job later.", code="no_stream")
        yield Pause(self._pause)
        self._waited, self._pause = self._waited + self._pause, min(2 * self._pause, LONGEST_PAUSE)
