"""Collector: takes what champion and challenger have read from those who answer, counts it, and keeps the pictures that
they read otherwise, in a thread of its own.

Nobody waits for it and nothing that goes wrong in it reaches them: what it can't keep up with is dropped and counted.
Counts go into the database every two seconds, not with every picture. It works at most a quarter of the time.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from app.errors import AppError
from app.shadow.keeper import ShadowKeeper
from app.shadow.record import Difference, Pair, Readings, Shadow
from app.shadow.sample import Sample
from models_store.errors import ImageRejected, StoreError
from models_store.pictures.stripped import Stripped

_MOST_WAITING, _MOST_BYTES = 128, 16 * 2**20  # pictures that both read otherwise
_FLUSH_SECONDS = 2.0
_REST = 3.0  # times the seconds that a picture took
_CLOSE_SECONDS = 5.0
_SAY_SECONDS = 60.0  # between two lines in the log about what was dropped

_log = structlog.get_logger("digitserve.shadow")


class Collector:
    """One thread, and what waits for it."""

    def __init__(
        self,
        keeper: ShadowKeeper,
        sample: Sample,
        strip: Callable[[bytes], Stripped],
        flush_seconds: float = _FLUSH_SECONDS,
    ) -> None:
        """`strip` packs a picture anew; it may take its time and raise AppError or ImageRejected."""
        self._keeper = keeper
        self._sample = sample
        self._strip = strip
        self._flush_seconds = flush_seconds
        self._thread = ThreadPoolExecutor(1, "shadow")
        self._lock = threading.Lock()  # held for a few assignments only: the event loop may wait for it
        self._compared: Counter[Pair] = Counter()
        self._differed: Counter[Pair] = Counter()
        self._waiting: deque[tuple[Pair, bytes, Readings, str]] = deque()
        self._bytes = self._dropped = 0
        self._is_due = self._failing = False
        self._closed = threading.Event()
        self._end = float("inf")
        self._said = float("-inf")

    def take(
        self,
        model: str,
        champion: int,
        challenger: int,
        compared: int,
        unlike: Sequence[tuple[bytes, str, str, float, float, str]],
    ) -> None:
        """Takes how many pictures both have read, and those that they read otherwise: the picture, both labels, both
        confidences, the champion's first, and who sent it. Returns at once and raises nothing."""
        pair = Pair(model, champion, challenger)
        with self._lock:
            if self._closed.is_set():
                return
            self._compared[pair] += compared
            self._differed[pair] += len(unlike)
            for image, one, other, sure, as_sure, client in unlike:
                if len(self._waiting) >= _MOST_WAITING or self._bytes + len(image) > _MOST_BYTES:
                    self._dropped += 1
                    continue
                self._waiting.append((pair, image, Readings(one, other, sure, as_sure), client))
                self._bytes += len(image)
            if not self._is_due:
                self._is_due = True
                self._thread.submit(self._flush)  # inside: `close` may come any moment

    def close(self) -> None:
        """Takes nothing more, and gives what waits a few seconds. Blocks."""
        with self._lock:
            self._end = time.monotonic() + _CLOSE_SECONDS
            self._closed.set()
        self._thread.shutdown()

    def _flush(self) -> None:
        """Writes down what came until now, after a while in which more comes."""
        self._closed.wait(self._flush_seconds)
        with self._lock:
            compared, differed = self._compared, self._differed
            waiting, self._waiting = self._waiting, deque()
            self._compared, self._differed = Counter(), Counter()
            self._bytes, self._is_due = 0, False
        going: dict[Pair, Shadow | None] = {}
        for pair, count in compared.items():
            going[pair] = self._tried(partial(self._keeper.count, pair, count, differed[pair]))
        for pair, image, reading, client in waiting:
            shadow = going.get(pair)
            if shadow is None or time.monotonic() > self._end:
                continue
            began = time.monotonic()
            self._tried(partial(self._keep, shadow, image, reading, client))
            self._closed.wait(_REST * (time.monotonic() - began))
        self._say()

    def _keep(self, shadow: Shadow, image: bytes, reading: Readings, client: str) -> None:
        rank = self._sample.drawn(shadow, client)
        if rank is not None:
            self._sample.add(shadow, Difference(reading, self._strip(image), client), rank)

    def _tried(self, work: Callable[[], Shadow | None]) -> Shadow | None:
        """What `work` returns. Errors are logged, once while they last."""
        try:
            done = work()
            self._failing = False
            return done
        except ImageRejected:  # decoding it took too long now
            self._dropped += 1
        except (AppError, StoreError, OSError) as error:
            self._dropped += 1
            if not self._failing:
                _log.error("not_compared", why=error.strerror if isinstance(error, OSError) else str(error))
            self._failing = True
        except Exception:
            _log.exception("unforeseen")
        return None

    def _say(self) -> None:
        if self._dropped and time.monotonic() - self._said > _SAY_SECONDS:
            with self._lock:
                count, self._dropped = self._dropped, 0
            self._said = time.monotonic()
            _log.warning("differences_dropped", count=count)
