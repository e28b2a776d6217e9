"""AsyncClient: awaits each step."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import anyio
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
    chunks: AsyncIterator[bytes]


def _awaits(
    method: Callable[Concatenate[Methods, P], Steps[T]],
) -> "Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]":
    """The method, which takes its steps when it is awaited and gives what comes of them."""

    async def call(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._taken(method(self._methods, *args, **kwargs))

    return shown(call, method)


class AsyncClient:
    """A server, for programs with an event loop (asyncio, or trio). Files and folders are read on the loop.

    Every method raises DigitServeError, most of them one of its kinds: Refused, Busy, Unreachable, JobFailed.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        timeout: float = 60.0,
        retry_seconds: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """`base_url` is the server's root, `key` what it is shown, `timeout` how many seconds an answer may take.

        Where the server is busy or away, a request that may be repeated is: with pauses as `Retry-After` says, or from
        half a second doubled, of `retry_seconds` together. 0: never. Raises ValueError.
        """
        options = address.options(base_url, key, timeout)
        self._http = httpx.AsyncClient(**options, transport=transport)
        self._methods = Methods(base_url, retry_seconds)
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Lets go of the connections."""
        await self._http.aclose()

    predict = _awaits(Methods.predict)
    predict_many = _awaits(Methods.predict_many)
    read = _awaits(Methods.read)
    correct = _awaits(Methods.correct)
    models = _awaits(Methods.models)
    version = _awaits(Methods.version)
    promote = _awaits(Methods.promote)
    rollback = _awaits(Methods.rollback)
    teach = _awaits(Methods.teach)
    upload = _awaits(Methods.upload)
    delete_file = _awaits(Methods.delete_file)
    start = _awaits(Methods.start)
    wait = _awaits(Methods.wait)
    finish = _awaits(Methods.finish)
    job = _awaits(Methods.job)
    jobs = _awaits(Methods.jobs)
    cancel = _awaits(Methods.cancel)
    pause = _awaits(Methods.pause)
    resume = _awaits(Methods.resume)

    async def events(self, job_id: str, after: str = "0") -> AsyncIterator[JobEvent]:
        """Everything that happens to a job until it ends, over as many connections as it takes. `after` is the `number`
        of the last event that is known already.
        """
        following = self._methods.events(job_id, after)
        try:
            while (event := await self._taken(following.next())) is not None:
                yield event
        finally:
            await self._taken(following.hang_up())

    async def _taken(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._step(step)
                except httpx.TransportError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    async def _step(self, step: Step) -> Answer:
        match step:
            case Ask():
                return await self._asked(step)
            case More(line=_Line(chunks=chunks)):
                return await anext(chunks, b"")
            case HangUp(line=_Line(response=response)):
                await response.aclose()
            case Pause(seconds=seconds):
                await self._sleep(seconds)
        return None

    async def _asked(self, ask: Ask) -> Reply:
        with address.request(self._http, ask) as request:
            response = await self._http.send(request, stream=ask.streams)
        if ask.streams and response.status_code == 200:
            return Reply(200, response.headers, b"", _Line(response, response.aiter_bytes()))
        return Reply(response.status_code, response.headers, await response.aread())
