"""Client: waits for each step."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx

from digitserve.client import address
from digitserve.client.methods import Methods, shown
from digitserve.client.steps import Answer, Ask, HangUp, More, Pause, Reply, Step, Steps
from digitserve.client.stream import JobEvent

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class _Line:
    """An answer that streams."""

    response: httpx.Response
    chunks: Iterator[bytes]


def _waits(method: Callable[Concatenate[Methods, P], Steps[T]]) -> "Callable[Concatenate[Client, P], T]":
    """The method, which takes its steps at once and returns what comes of them."""

    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._taken(method(self._methods, *args, **kwargs))

    return shown(call, method)


class Client:
    """A server, for programs that wait. May be used by several threads at once.

    Every method raises DigitServeError, most of them one of its kinds: Refused, Busy, Unreachable, JobFailed.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        timeout: float = 60.0,
        retry_seconds: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`base_url` is the server's root, `key` what it is shown, `timeout` how many seconds an answer may take.

        Where the server is busy or away, a request that may be repeated is: with pauses as `Retry-After` says, or from
        half a second doubled, of `retry_seconds` together. 0: never. Raises ValueError.
        """
        options = address.options(base_url, key, timeout)
        self._http = httpx.Client(**options, transport=transport)
        self._methods = Methods(base_url, retry_seconds)
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the connections."""
        self._http.close()

    predict = _waits(Methods.predict)
    predict_many = _waits(Methods.predict_many)
    read = _waits(Methods.read)
    correct = _waits(Methods.correct)
    models = _waits(Methods.models)
    version = _waits(Methods.version)
    promote = _waits(Methods.promote)
    rollback = _waits(Methods.rollback)
    teach = _waits(Methods.teach)
    upload = _waits(Methods.upload)
    delete_file = _waits(Methods.delete_file)
    start = _waits(Methods.start)
    wait = _waits(Methods.wait)
    finish = _waits(Methods.finish)
    job = _waits(Methods.job)
    jobs = _waits(Methods.jobs)
    cancel = _waits(Methods.cancel)
    pause = _waits(Methods.pause)
    resume = _waits(Methods.resume)

    def events(self, job_id: str, after: str = "0") -> Iterator[JobEvent]:
        """Everything that happens to a job until it ends, over as many connections as it takes. `after` is the `number`
        of the last event that is known already.
        """
        following = self._methods.events(job_id, after)
        try:
            while (event := self._taken(following.next())) is not None:
                yield event
        finally:
            self._taken(following.hang_up())

    def _taken(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._step(step)
                except httpx.TransportError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    def _step(self, step: Step) -> Answer:
        match step:
            case Ask():
                return self._asked(step)
            case More(line=_Line(chunks=chunks)):
                return next(chunks, b"")
            case HangUp(line=_Line(response=response)):
                response.close()
            case Pause(seconds=seconds):
                self._sleep(seconds)
        return None

    def _asked(self, ask: Ask) -> Reply:
        with address.request(self._http, ask) as request:
            response = self._http.send(request, stream=ask.streams)
        if ask.streams and response.status_code == 200:
            return Reply(200, response.headers, b"", _Line(response, response.iter_bytes()))
        return Reply(response.status_code, response.headers, response.read())
