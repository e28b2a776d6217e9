"""Explainer: draws what in a prepared picture speaks for its label, in a thread for which no picture waits."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.decoding.turns import Full, Late, Turns
from app.errors import NotReady, TooBusy
from models_store.machine import give_back_memory, step_back
from models_store.model import Model
from models_store.pictures import saliency
from models_store.pictures.contained import contained
from models_store.pictures.decode import Pixels
from models_store.registry import Version

_WAIT_SECONDS = 10.0  # for a turn: what waited longer is refused, its client has likely given up
_MAX_WAITING, _MAX_WAITING_EACH = 16, 7  # each takes a tenth of a second
_NICE = 4  # at 0 a photograph took half as long again beside it, at 10 digits waited longer for the lock
_KEPT_SECONDS = 60.0  # that a model which nobody asks to explain stays loaded


class Explainer:
    """Lives on one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turns = Turns(max_waiting=_MAX_WAITING, max_waiting_each=_MAX_WAITING_EACH, clock=clock)
        self._loaded: tuple[Path, Model] | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, "explain", initializer=step_back, initargs=(_NICE,))

    async def explain(self, version: Version, pixels: Pixels, image: bytes, client: str = "") -> bytes:
        """A PNG of what in a prepared picture speaks for its label, by the version's plain candidate.

        That one is loaded for the occasion: what serves has no gradients. `image` is the picture as it came. Clients
        take turns. Raises TooBusy, NotReady, VersionCorrupt, ManifestMismatch, and ImageRejected where the net can't
        explain it.
        """
        try:
            await self._turns.take(client, self._clock() + _WAIT_SECONDS)
        except Full:
            raise TooBusy(
                "too_busy", "More explanations wait than can be made soon. Repeat the request later."
            ) from None
        except Late:
            raise NotReady("too_late", "The explanation waited too long. Repeat the request later.") from None
        loop = asyncio.get_running_loop()
        if self._forgetting is not None:
            self._forgetting.cancel()
        try:
            return await loop.run_in_executor(self._thread, self._explained, version, pixels, image)
        finally:
            self._forgetting = loop.call_later(_KEPT_SECONDS, self._forget)
            self._turns.give(client)

    def close(self) -> None:
        """Explains no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _explained(self, version: Version, pixels: Pixels, image: bytes) -> bytes:
        """In the thread. The model is kept for a while: loading one holds Python's lock for 20 ms."""
        try:
            if self._loaded is None or self._loaded[0] != version.folder:
                self._loaded = version.folder, Model.load(version.folder, version.manifest)
            with contained(image):
                return saliency.drawn(pixels, self._loaded[1].explain(pixels)[1])
        finally:
            if not self._turns.waiting:
                give_back_memory()  # of a hundred pictures and their gradients

    def _forget(self) -> None:
        self._loaded = None
