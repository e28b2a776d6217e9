"""Client: the HTTP interface of a running server as the command line needs it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from app.cli.connection import connection, proxied, spelled
from app.cli.refusal import Refusal
from digitserve.client.stream import EventReader, JobEvent
from models_store.text import shown

_JOBS = "/v1/fine_tuning/jobs"
_NO_FILE = f"file-{'0' * 24}"
_TRIES = 5
_STREAM_TRIES = 8  # half a minute: a server that was started again has to load its model first
_PAUSE = 0.5  # seconds before the second try, doubled before each further one
_LONGEST_PAUSE = 10.0
_SECONDS = 60.0  # the longest wait for an answer
_LONGEST_SENTENCE = 2000  # characters of a refusal; whoever answers may be anybody
_CONNECT_SECONDS = 1.2  # a machine that has not said in this time that it is there is not: TCP asks twice in it
_SILENCE_SECONDS = 45.0  # a stream that says nothing for so long, not even that it lives, is opened again
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout)  # the server never saw the request


class Client:
    """Every method raises Refusal: with the server's own sentence, or where no server answers."""

    def __init__(
        self,
        url: str,
        sleep: Callable[[float], None] = time.sleep,
        connect_seconds: float = _CONNECT_SECONDS,
        key: str = "",
    ) -> None:
        """`url` is the server's root, such as `http://127.0.0.1:8000`; `key` what it is shown."""
        self._sleep = sleep
        self._heard = False  # whether anybody is there at all
        self._connect_seconds = connect_seconds
        self._http = connection(url, _SECONDS, connect_seconds, key)
        self._url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._http.close()

    def upload(self, path: Path, filename: str) -> dict[str, Any]:
        """Sends a data set without holding it in memory, and gives its entry with the report on its rows."""

        def send() -> httpx.Response:
            with path.open("rb") as file:
                parts = {"file": (filename, file, "application/octet-stream")}
                return self._http.post("/v1/files", data={"purpose": "fine-tune"}, files=parts)

        return self._repeated(send, _UNSENT)

    def delete(self, file_id: str) -> None:
        """Removes a data set from the server."""
        _content(self._http.delete(f"/v1/files/{quote(file_id, safe='')}"))

    def file(self, file_id: str) -> dict[str, Any]:
        """The entry of a data set that was sent before."""
        return self._repeated(lambda: self._http.get(f"/v1/files/{quote(file_id, safe='')}"))

    def create(self, request: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Makes a job. However often it has to be repeated, one `key` makes one job."""
        headers = {"Idempotency-Key": key}
        return self._repeated(lambda: self._http.post(_JOBS, json=request, headers=headers))

    def rehearse(self, request: Mapping[str, Any]) -> None:
        """Has the server look at a job's `request` before a file is sent for it: it names one that is never there, and
        whatever else is wrong is found before that.
        """
        whole = {**request, "training_file": _NO_FILE}
        try:
            self._repeated(lambda: self._http.post(_JOBS, json=whole), _UNSENT)
        except Refusal as refusal:
            if refusal.code != "file_not_found":
                raise

    def job(self, job_id: str) -> dict[str, Any]:
        """One job."""
        return self._repeated(lambda: self._http.get(_path(job_id)))

    def jobs(self, limit: int, after: str | None = None) -> dict[str, Any]:
        """The newest jobs first: `data`, and `has_more`."""
        query: dict[str, str | int] = {"limit": limit} | ({} if after is None else {"after": after})
        return self._repeated(lambda: self._http.get(_JOBS, params=query))

    def tell(self, job_id: str, move: str) -> dict[str, Any]:
        """Cancels, pauses or resumes a job, and gives what it is now."""
        return self._repeated(lambda: self._http.post(f"{_path(job_id)}/{move}"), _UNSENT)

    def events(self, job_id: str) -> Iterator[JobEvent]:
        """Everything that happens to a job, from its beginning to its end, over as many connections as it takes."""
        last, pause = "0", _PAUSE
        failures, refusal = 0, None
        while True:
            try:
                for event in self._stream(job_id, last):
                    if event.type == "end":
                        return
                    last, pause = event.number or last, _PAUSE
                    yield event
                    if event.state in ("succeeded", "failed", "cancelled"):
                        return
                failures = 0
            except (httpx.TransportError, _Later) as error:
                self._check_heard(error, pause)
                failures += 1
                refusal = error.refusal if isinstance(error, _Later) else None
            if failures >= _STREAM_TRIES:
                raise refusal or Refusal(
                    f"{spelled(self._url)} does not answer any more. The job is kept; look again later."
                )
            self._sleep(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)

    def _stream(self, job_id: str, last: str) -> Iterator[JobEvent]:
        """What one connection brings; however it breaks once it stands, it ends: the server was there."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": last}
        timeout = httpx.Timeout(_SECONDS, connect=self._connect_seconds, read=_SILENCE_SECONDS)
        with self._http.stream("GET", f"{_path(job_id)}/events", headers=headers, timeout=timeout) as answer:
            self._heard = True
            if answer.status_code != 200:
                answer.read()
                if answer.status_code == 503:
                    raise _Later
                raise _Later(_refusal(answer)) if _is_too_much(answer) else _refusal(answer)
            reader = EventReader()
            with suppress(httpx.TransportError):
                for chunk in answer.iter_bytes():
                    yield from reader.feed(chunk)

    def _repeated(
        self, send: Callable[[], httpx.Response], again: tuple[type[Exception], ...] = (httpx.TransportError,)
    ) -> dict[str, Any]:
        pause = _PAUSE
        for attempt in range(1, _TRIES + 1):
            try:
                answer = send()
            except httpx.TransportError as error:
                self._check_heard(error, pause)
                if attempt == _TRIES or not isinstance(error, again):
                    raise self._no_answer() from None
            else:
                self._heard = True
                if not (answer.status_code == 503 or _is_too_much(answer)) or attempt == _TRIES:
                    return _content(answer)
                pause = max(pause, _seconds(answer.headers.get("retry-after", "")))
            self._sleep(min(pause, _LONGEST_PAUSE))
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _check_heard(self, error: Exception, pause: float) -> None:
        """Raises Refusal where nobody was ever there, after a second look at most: it is down, or the URL is wrong."""
        looked_twice = isinstance(error, httpx.ConnectTimeout) or pause > _PAUSE
        if isinstance(error, _UNSENT) and not self._heard and looked_twice:
            raise self._no_answer() from None

    def _no_answer(self) -> Refusal:
        return Refusal(f"{spelled(self._url)} does not answer{proxied(self._url)}")


def _path(job_id: str) -> str:
    return f"{_JOBS}/{quote(job_id, safe='')}"


class _Later(Exception):
    """The server answers, and not yet with a stream; perhaps it says why."""

    def __init__(self, refusal: Refusal | None = None) -> None:
        super().__init__()
        self.refusal = refusal


def _is_too_much(answer: httpx.Response) -> bool:
    """Whether the server only asks to wait a little: it has read nothing of what was sent."""
    return answer.status_code == 429 and 0 < _seconds(answer.headers.get("retry-after", "")) <= _LONGEST_PAUSE


def _content(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
    raise _refusal(answer)


def _refusal(answer: httpx.Response) -> Refusal:
    """Of a server's problem, its sentence and its code."""
    try:
        told = answer.json()
        sentence, code = shown(str(told["detail"]), longest=_LONGEST_SENTENCE), str(told.get("code", ""))
    except (ValueError, KeyError, TypeError):
        sentence, code = f"{answer.url.host} answered {answer.status_code}, as DigitServe does not. Look at --url.", ""
    wrong_command = answer.is_client_error and answer.status_code not in (409, 429)
    return Refusal(sentence, 2 if wrong_command else 1, code)


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
