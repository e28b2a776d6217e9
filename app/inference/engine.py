"""Engine: the way from the bytes of pictures to verdicts about them."""

import asyncio
import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from app.decoding.decoder import Decoder
from app.decoding.turns import Full, Late, Turns
from app.errors import NotReady, TooBusy, Unprocessable
from app.inference import decoding
from app.inference.answer import Answer, Answers, Durations, PageAnswer
from app.inference.batcher import BatchResult, Overloaded, TooLate
from app.inference.fastest import KnownFastest
from app.inference.loaded import LoadedModel, load
from app.inference.pool import ModelPool
from models_store.errors import ImageRejected
from models_store.files import Probabilities
from models_store.machine import give_back_memory
from models_store.manifest import Manifest
from models_store.model import Model, use_threads
from models_store.pictures import saliency
from models_store.pictures.contained import contained
from models_store.pictures.decode import Pixels
from models_store.pictures.prepare import Prepared
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import InputSpec

_QUEUE_SECONDS = 10.0  # from its arrival: what waited longer is refused, its client has likely given up
_DECODED_SECONDS = 2.0  # that pictures which were decoded in time may wait for the model at least
_MAX_EXPLAINING, _MAX_EXPLAINING_EACH = 16, 7  # that wait: each takes a tenth of a second
_EXPLAINING_NICE = 4  # at 0 a photograph took half as long again beside it, at 10 digits waited longer for the lock
_EXPLAINS_SECONDS = 60.0  # that a model which nobody asks to explain stays loaded
_SWITCH_SECONDS = 0.001  # after which a thread that computes in Python lets the event loop go on, instead of 0.005


# Takes what a version has answered: the version, the pictures, what was said of each, who sent them. Returns at once.
Watch = Callable[[LoadedModel, Sequence[bytes], Sequence[Answer | ImageRejected], str], None]


class Engine:
    """Reads pictures with any version of a store. Lives on one event loop."""

    def __init__(
        self,
        registry: Registry,
        device: str,
        decoder: Decoder,
        *,
        max_loaded: int = 4,
        max_image_pixels: int = 16_000_000,
        max_waiting: int = 2048,
        fastest: KnownFastest | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.device = device
        self._max_image_pixels = max_image_pixels
        self._max_waiting = max_waiting
        self._fastest = fastest
        self._clock = clock
        self._explaining = Turns(max_waiting=_MAX_EXPLAINING, max_waiting_each=_MAX_EXPLAINING_EACH, clock=clock)
        self._explains: tuple[Path, Model] | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._decoder = decoder
        self._computer = ThreadPoolExecutor(1, "compute")
        # a tenth of a second each, for which no picture waits
        self._explainer = ThreadPoolExecutor(1, "explain", initializer=_step_back)
        self.pool = ModelPool(registry, self._load, max_loaded, clock)
        self.beside: Watch | None = None
        self._in_flight, self._asked_at = 0, -math.inf

    @contextlib.asynccontextmanager
    async def running(self, name: str) -> AsyncIterator[None]:
        """Serves until the end of the block, `name` by default."""
        use_threads(1)
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            async with self.pool.running(name):
                yield
        finally:
            for threads in (self._computer, self._explainer):
                threads.shutdown(wait=False, cancel_futures=True)

    async def predict(self, ref: Ref, images: Sequence[bytes], client: str = "") -> Answers:
        """Reads PNG, JPEG, WEBP or BMP pictures. Clients take turns. A caller that is cancelled is not computed.

        Raises TooBusy, NotReady, Unprocessable for too many pixels, and VersionNotFound, VersionCorrupt or
        ManifestMismatch for the ref.
        """
        self._in_flight += 1
        try:
            loaded = await self.pool.get(ref)
            self._asked_at = began = self._clock()
            prepared = await self._prepared(images, loaded.model.picture, client, began + _QUEUE_SECONDS)
            ready = self._clock()
            good = [item.pixels for item in prepared if isinstance(item, Prepared)]
            done = await self._computed(loaded, good, max(began + _QUEUE_SECONDS, ready + _DECODED_SECONDS))
        finally:
            self._in_flight -= 1
        rows, manifest, is_finite = iter(done.rows), loaded.version.manifest, bool(np.isfinite(done.rows).all())
        items: list[Answer | ImageRejected] = []
        for item, image in zip(prepared, images, strict=True):
            if isinstance(item, ImageRejected):
                items.append(item)
            else:
                row = next(rows)
                items.append(Answer(item, row, manifest) if is_finite else _answered(item, row, manifest, image))
        if self.pool.challengers and self.beside is not None:
            self.beside(loaded, images, items, client)
        return Answers(loaded.version, items, self._durations(began, ready, done))

    def is_quiet(self, seconds: float) -> bool:
        """Whether nobody waits for pictures to be read, and nobody came for so many seconds."""
        return not self._in_flight and self._clock() - self._asked_at >= seconds

    async def again(self, images: Sequence[bytes], spec: InputSpec, client: str) -> list[Prepared | ImageRejected]:
        """What a version that takes `spec` sees of pictures that another has read. Raises what `predict` raises."""
        return await self._prepared(images, spec, client, self._clock() + _QUEUE_SECONDS)

    async def explain(self, version: Version, pixels: Pixels, image: bytes, client: str = "") -> bytes:
        """A PNG of what in a prepared picture speaks for its label, by the version's plain candidate.

        That one is loaded for the occasion: what serves has no gradients. `image` is the picture as it came. Clients
        take turns. Raises TooBusy, NotReady, VersionCorrupt, ManifestMismatch, and ImageRejected where the net can't
        explain it.
        """
        try:
            await self._explaining.take(client, self._clock() + _QUEUE_SECONDS)
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
            return await loop.run_in_executor(self._explainer, self._explained, version, pixels, image)
        finally:
            self._forgetting = loop.call_later(_EXPLAINS_SECONDS, self._forget)
            self._explaining.give(client)

    async def read(self, ref: Ref, image: bytes, client: str = "") -> PageAnswer:
        """Finds and reads all digits of one picture. A caller that is cancelled is not computed.

        Raises ImageRejected, what `predict` raises, and Unprocessable for a version that looks for no writing.
        """
        loaded = await self.pool.get(ref)
        self._asked_at = self._clock()
        spec = loaded.model.picture
        if not spec.finds_writing:
            raise Unprocessable(
                "model_finds_no_writing",
                f"{loaded.version.ref} looks at whole pictures and can't read a page. Name a model that finds digits.",
                "model",
            )
        began = self._clock()
        page = await self._decoder.page(image, spec, client, began + _QUEUE_SECONDS)
        ready = self._clock()
        latest = max(began + _QUEUE_SECONDS, ready + _DECODED_SECONDS)
        done = await self._computed(loaded, list(page.pixels), latest)
        with contained(image):
            _check_finite(done.rows)
        return PageAnswer(loaded.version, page, done.rows, self._durations(began, ready, done))

    def _explained(self, version: Version, pixels: Pixels, image: bytes) -> bytes:
        """In the explainer's thread. The model is kept for a while: loading one holds Python's lock for 20 ms."""
        try:
            if self._explains is None or self._explains[0] != version.folder:
                self._explains = version.folder, Model.load(version.folder, version.manifest)
            with contained(image):
                return saliency.drawn(pixels, self._explains[1].explain(pixels)[1])
        finally:
            if not self._explaining.waiting:
                give_back_memory()  # of a hundred pictures and their gradients

    def _forget(self) -> None:
        self._explains = None

    def _durations(self, began: float, ready: float, done: BatchResult) -> Durations:
        return Durations(ready - began, self._clock() - ready - done.seconds, done.seconds)

    def _load(self, version: Version) -> LoadedModel:
        return load(version, self.device, self._computer, self._max_waiting, self._fastest)

    async def _prepared(
        self, images: Sequence[bytes], spec: InputSpec, client: str, deadline: float
    ) -> list[Prepared | ImageRejected]:
        """Digits in MNIST's format here, a few of them on the event loop; others in children that can be killed."""
        ask = images, spec, self._max_image_pixels
        few = len(images) <= decoding.QUICK
        found = decoding.untouched(*ask) if few else await asyncio.to_thread(decoding.untouched, *ask)
        left = [place for place, one in enumerate(found) if one is None]
        if left:
            rest = await self._decoder.read([images[place] for place in left], spec, client, deadline)
            for place, one in zip(left, rest, strict=True):
                found[place] = one
        return [one for one in found if one is not None]

    async def _computed(self, loaded: LoadedModel, good: list[Pixels], deadline: float) -> BatchResult:
        if not good:
            return BatchResult(np.empty((0, len(loaded.model.labels)), np.float32), 0.0)
        try:
            return await loaded.batcher.submit(good[0][None] if len(good) == 1 else np.stack(good), deadline)
        except Overloaded:
            raise TooBusy("too_busy", "More pictures wait than can be read soon. Repeat the request later.") from None
        except TooLate:
            raise NotReady("too_late", "The pictures waited too long. Repeat the request later.") from None


def _answered(prepared: Prepared, row: Probabilities, manifest: Manifest, image: bytes) -> Answer | ImageRejected:
    try:
        with contained(image):
            _check_finite(row)
            return Answer(prepared, row, manifest)
    except ImageRejected as refusal:
        return refusal


def _check_finite(rows: Probabilities) -> None:
    """A net that somebody brought along may divide by a picture's own deviation, which is 0 where it is even."""
    if not np.isfinite(rows).all():
        raise FloatingPointError("the model's probabilities are no numbers")


def _step_back() -> None:
    """Lets everything else of this process go first: on Linux each thread has a priority of its own."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _EXPLAINING_NICE)
