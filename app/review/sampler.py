"""UncertaintySampler: takes uncertain pictures from those who answer, and keeps them in a thread of its own.

Nobody waits for it and nothing that goes wrong in it reaches them: what it can't keep up with is dropped and counted.
It works at most a quarter of the time: a child that decodes for it decodes for others too.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import structlog

from app.errors import AppError
from app.review.choice import Pixels, sketch
from app.review.store import Uncertain
from models_store.errors import StoreError
from models_store.pictures.stripped import Stripped

_MAX_WAITING = 256  # pictures: a batch of the largest size
_MAX_BYTES = 32 * 2**20  # of them together
_REST = 3.0  # times the seconds that a picture took
_CLOSE_SECONDS = 5.0  # for those that wait at the end
_SAY_SECONDS = 60.0  # between two lines in the log about what was dropped

_log = structlog.get_logger("digitserve.review")


class UncertaintySampler:
    """One thread that keeps pictures, and those that wait for it."""

    def __init__(
        self,
        add: Callable[[Uncertain], object],
        strip: Callable[[bytes], Stripped],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`add` keeps one picture, `strip` packs it anew; both may take their time and raise AppError."""
        self._add = add
        self._strip = strip
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "review")
        self._lock = threading.Lock()  # held for a few assignments only: the event loop may wait for it
        self._waiting = self._bytes = self._dropped = 0
        self._closed = threading.Event()
        self._end = math.inf
        self._say_after = -math.inf
        self._failing = False

    def keep(self, model: str, image: bytes, probabilities: Mapping[str, float], pixels: Pixels) -> None:
        """Takes a picture that the version `model` was uncertain of; `pixels` are what it saw. Returns at once."""
        with self._lock:
            if self._closed.is_set() or self._waiting >= _MAX_WAITING or self._bytes + len(image) > _MAX_BYTES:
                self._dropped += 1
                return
            self._waiting += 1
            self._bytes += len(image)
            self._thread.submit(self._kept, model, image, probabilities, pixels)  # inside: `close` may come any moment

    def close(self) -> None:
        """Takes no more pictures, and gives those that wait a few seconds. Blocks."""
        with self._lock:
            self._end = self._clock() + _CLOSE_SECONDS
            self._closed.set()
        self._thread.shutdown()
        self._say(at_once=True)

    def _kept(self, model: str, image: bytes, probabilities: Mapping[str, float], pixels: Pixels) -> None:
        kept, began = False, time.monotonic()
        try:
            if self._clock() < self._end:
                self._add(Uncertain(model, probabilities, self._strip(image), sketch(pixels)))
                kept, self._failing = True, False
        except (AppError, StoreError, OSError) as error:
            if not self._failing:
                _log.error("not_kept", why=error.strerror if isinstance(error, OSError) else str(error))
            self._failing = True
        except Exception:
            _log.exception("unforeseen")
        with self._lock:
            self._waiting -= 1
            self._bytes -= len(image)
            self._dropped += not kept
        self._say()
        self._closed.wait(_REST * (time.monotonic() - began))

    def _say(self, at_once: bool = False) -> None:
        now = self._clock()
        if self._dropped and (at_once or now >= self._say_after):
            with self._lock:
                count, self._dropped = self._dropped, 0
            self._say_after = now + _SAY_SECONDS
            _log.warning("uncertain_pictures_dropped", count=count)
