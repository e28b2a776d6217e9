"""People who mean harm, each at an address of their own: pictures that are dear to read, heads and bodies that never
end, hundreds of connections, jobs and uploads by the dozen. The seed says what comes next.
"""

import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from benchmarks.hostile import bodies, wire
from tests.soak.people import JOBS, Person, Seen, ask
from tests.soak.server import Server
from tests.support.patience import PATIENCE_SECONDS

_PAUSE = (0.1, 1.0)  # seconds from one attack to the next
_HELD = 150  # connections that one attacker keeps open
_BURST = 12  # jobs that are made one after another, and cancelled
_FORESEEN = (503, 507)  # of all that begin with 5
_FORM = "multipart/form-data; boundary=edge7MA4YWxk"


@cache
def dear() -> Sequence[bytes]:
    """Requests that are dear to answer, smaller than those of `benchmarks.hostile`."""
    scans, texts, rle = bodies.scans_jpeg(2000, 400), bodies.texts_png(), bodies.rle_bmp(500)
    noise, webp = bodies.noise(1200), bodies.large_webp(2000)
    upload = bodies.form({"purpose": b"fine-tune", "file": bodies.data_set(lambda: webp, 20, "webp")})
    return [
        wire.request("/v1/predict", scans, "image/jpeg"), wire.request("/v1/read", scans, "image/jpeg"),
        wire.request("/v1/predict", texts, "image/png"), wire.request("/v1/predict", rle, "image/bmp"),
        wire.request("/v1/read", noise, "image/png"), wire.request("/v1/read", bodies.page(60, 40), "image/jpeg"),
        wire.request("/v1/predict", webp, "image/webp"),
        wire.request("/v1/predict?explain=true", bodies.drawing(), "image/png"),
        wire.request("/v1/predict/batch", bodies.blank_webps(32, 2000), "application/zip"),
        wire.request("/v1/predict/batch", bodies.expanding(30), "application/zip"),
        wire.request("/v1/files", upload, _FORM),
        wire.request("/v1/feedback", bodies.form({"label": b"7", "file": scans}), _FORM),
    ]  # fmt: skip


class Attacker(Person):
    """One at a time of what `_ways` names. `answers` counts what came back."""

    def __init__(self, server: Server, seen: Seen, file_id: str, seed: str, source: str) -> None:
        super().__init__(server, seen, source)
        self.answers: Counter[int] = Counter()
        self._file = file_id
        self._seed = seed
        self._random = random.Random(seed)
        self._held: list[socket.socket] = []
        self._asking: socket.socket | None = None
        self._made = 0
        self._ways: dict[Callable[[], None], int] = {
            self._dear: 10, self._hang_up: 4, self._idle: 2, self._half_a_head: 3, self._half_a_body: 3,
            self._half_an_upload: 2, self._headers: 1, self._stream: 2, self._jobs: 1,
        }  # fmt: skip

    def act(self) -> None:
        time.sleep(self._random.uniform(*_PAUSE))
        while len(self._held) > _HELD:
            self._held.pop(self._random.randrange(len(self._held))).close()
        (way,) = self._random.choices(list(self._ways), list(self._ways.values()))
        with suppress(OSError):
            way()

    def stop(self) -> None:
        """Does not wait for an answer."""
        self.stopped.set()
        while self.is_alive():
            if self._asking is not None:
                with suppress(OSError):
                    self._asking.shutdown(socket.SHUT_RDWR)
            self.join(0.1)
        while self._held:
            self._held.pop().close()

    def _connected(self) -> socket.socket:
        """Raises OSError, also while nobody listens."""
        address = urlsplit(self.server.url)
        if not address.hostname or not address.port:
            raise ConnectionRefusedError
        return socket.create_connection(
            (address.hostname, address.port), PATIENCE_SECONDS, source_address=(self.source, 0)
        )

    def _dear(self) -> None:
        with self._connected() as connection:
            connection.sendall(self._random.choice(dear()))
            self._answered(connection)

    def _answered(self, connection: socket.socket) -> None:
        reader = HTTPConnection("localhost")
        reader.sock = connection
        answer = reader.response_class(connection, method="POST")
        self._asking = connection
        try:
            answer.begin()
        except HTTPException:  # it ended with its process
            return
        finally:
            self._asking = None
        self.answers[answer.status] += 1
        if answer.status >= 500 and answer.status not in _FORESEEN:
            self.seen.wrong.append(f"an attacker was answered {answer.status}")

    def _hang_up(self) -> None:
        with self._connected() as connection:
            request = self._random.choice(dear())
            connection.sendall(request[: self._random.randrange(1, len(request) + 1)])
            time.sleep(self._random.uniform(0, 0.3))

    def _idle(self) -> None:
        for _ in range(self._random.randrange(10, 60)):
            self._held.append(self._connected())

    def _half_a_head(self) -> None:
        self._held.append(self._connected())
        self._held[-1].sendall(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX-A")

    def _half_a_body(self) -> None:
        self._held.append(self._connected())
        self._held[-1].sendall(wire.head("/v1/predict", "image/png", 4 * 2**20) + bytes(2 * 2**20))

    def _half_an_upload(self) -> None:
        self._held.append(self._connected())
        self._held[-1].sendall(wire.head("/v1/files", _FORM, 32 * 2**20) + bytes(2**20))

    def _headers(self) -> None:
        with self._connected() as connection:
            with suppress(OSError):
                connection.sendall(b"GET /readyz HTTP/1.1\r\n" + 300 * (b"X: " + 8000 * b"x" + b"\r\n"))
            self._answered(connection)

    def _stream(self) -> None:
        made = list(self.seen.keys.values())
        if made:
            path = f"{JOBS}/{self._random.choice(made)}/events"
            self._held.append(self._connected())
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
            self._held[-1].sendall(head.encode())

    def _jobs(self) -> None:
        """More than anybody needs, each cancelled as soon as it is made: what was acknowledged counts all the same."""
        made = [job for _ in range(_BURST) if (job := self._job())]
        for job in made:
            while (answer := ask(self.server, "POST", f"{JOBS}/{job}/cancel", self.source)) is None or (
                answer.status_code not in (200, 409)
            ):
                time.sleep(0.2)
            if answer.status_code == 200:
                self.seen.cancelled.add(job)

    def _job(self) -> str:
        """The id of a new job; empty where it was refused. Asked until one of both is known."""
        self._made += 1
        key = f"{self._seed}-{self._made}"
        body = {"model": "digits", "training_file": self._file, "hyperparameters": {"n_epochs": 20}}
        while True:
            answer = ask(self.server, "POST", JOBS, self.source, json=body, headers={"Idempotency-Key": key})
            if answer is not None and answer.status_code == 201:
                self.seen.keys[key] = str(answer.json()["id"])
                return self.seen.keys[key]
            if answer is not None and answer.status_code != 503:
                self.answers[answer.status_code] += 1
                return ""
            time.sleep(0.2)
