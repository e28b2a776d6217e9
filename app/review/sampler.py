"""UncertaintySampler: takes uncertain pictures from those who answer, and keeps them in a thread of its own.

Nobody waits for it and nothing that goes wrong in it reaches them: what it can't keep up with is dropped and counted.
It computes at most a quarter of the time, because Python lets only one thread run at once.
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
from models_store.pictures.stripped import strip

_MAX_WAITING = 256  # pictures: a batch of the largest size
_MAX_BYTES = 32 * 2**20  # of them together
_REST = 3.0  # times the CPU seconds that a picture took
_CLOSE_SECONDS = 5.0  # for those that wait at the end
_SAY_SECONDS = 60.0  # between two lines in the log about what was dropped

_log = structlog.get_logger("digitserve.review")


class UncertaintySampler:
    """One thread that keeps pictures, and those that wait for it."""

    def __init__(
        self,
        add: Callable[[Uncertain], object],
        max_image_pixels: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`add` keeps one picture, and may take its time and raise AppError."""
        self._add = add
        self._max_image_pixels = max_image_pixels
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
        kept, began = False, time.thread_time()
        try:
            if self._clock() < self._end:
                self._add(_uncertain(model, image, probabilities, pixels, self._max_image_pixels))
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
        self._closed.wait(_REST * (time.thread_time() - began))

    def _say(self, at_once: bool = False) -> None:
        now = self._clock()
        if self._dropped and (at_once or now >= self._say_after):
            with self._lock:
                count, self._dropped = self._dropped, 0
            self._say_after = now + _SAY_SECONDS
            _log.warning("uncertain_pictures_dropped", count=count)


def _uncertain(
    model: str, image: bytes, probabilities: Mapping[str, float], pixels: Pixels, max_pixels: int
) -> Uncertain:
    return Uncertain(model, probabilities, strip(image, max_pixels), sketch(pixels))
