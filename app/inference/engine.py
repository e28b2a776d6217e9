"""Engine: the way from the bytes of pictures to verdicts about them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from app.errors import NotReady, TooBusy, Unprocessable
from app.inference import decoding
from app.inference.answer import Answer, Answers, Durations, PageAnswer
from app.inference.batcher import BatchResult, Overloaded, TooLate
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

_QUEUE_SECONDS = 10.0  # rows that waited longer are refused: their client has likely given up
_MAX_REQUEST_PICTURES = 4  # a request may bring as many pixels as so many pictures of the largest size
_MAX_EXPLAINING = 8  # at once: each loads a model
_MAX_DECODING = 64  # requests that wait for the decoder


class Engine:
    """Reads pictures with any version of a store. Lives on one event loop."""

    def __init__(
        self,
        registry: Registry,
        device: str,
        *,
        max_loaded: int = 4,
        max_image_pixels: int = 16_000_000,
        max_waiting: int = 2048,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.device = device
        self._max_image_pixels = max_image_pixels
        self._max_waiting = max_waiting
        self._clock = clock
        self._decoding = 0  # requests with pictures in or before the decoder
        self._explaining = 0
        self._decoder = ThreadPoolExecutor(1, "decode")
        self._computer = ThreadPoolExecutor(1, "compute")
        self._explainer = ThreadPoolExecutor(1, "explain")  # a fifth of a second each, for which no picture waits
        self.pool = ModelPool(registry, self._load, max_loaded, clock)

    @contextlib.asynccontextmanager
    async def running(self, name: str) -> AsyncIterator[None]:
        """Serves until the end of the block, `name` by default."""
        use_threads(1)
        try:
            async with self.pool.running(name):
                yield
        finally:
            for threads in (self._decoder, self._computer, self._explainer):
                threads.shutdown(wait=False, cancel_futures=True)

    async def predict(self, ref: Ref, images: Sequence[bytes]) -> Answers:
        """Reads PNG, JPEG, WEBP or BMP pictures. A caller that is cancelled is not computed.

        Raises TooBusy, NotReady, Unprocessable for too many pixels, and VersionNotFound, VersionCorrupt or
        ManifestMismatch for the ref.
        """
        loaded = await self.pool.get(ref)
        began = self._clock()
        prepared = await self._prepared(images, loaded.model.picture)
        ready = self._clock()
        good = [item.pixels for item in prepared if isinstance(item, Prepared)]
        done = await self._computed(loaded, good, ready + _QUEUE_SECONDS)
        rows = iter(done.rows)
        items = [
            _answer(item, next(rows), loaded.version.manifest, image) if isinstance(item, Prepared) else item
            for item, image in zip(prepared, images, strict=True)
        ]
        return Answers(loaded.version, items, self._durations(began, ready, done))

    async def explain(self, version: Version, pixels: Pixels, image: bytes) -> bytes:
        """A PNG of what in a prepared picture speaks for its label, by the version's plain candidate.

        That one is loaded for the occasion: what serves has no gradients. `image` is the picture as it came. Raises
        TooBusy, VersionCorrupt, ManifestMismatch, and ImageRejected where the net can't explain it.
        """
        if self._explaining >= _MAX_EXPLAINING:
            raise TooBusy("too_busy", "More explanations wait than can be made soon. Repeat the request later.")
        self._explaining += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._explainer, _explained, version, pixels, image)
        finally:
            self._explaining -= 1

    async def read(self, ref: Ref, image: bytes) -> PageAnswer:
        """Finds and reads all digits of one picture. A caller that is cancelled is not computed.

        Raises ImageRejected, what `predict` raises, and Unprocessable for a version that looks for no writing.
        """
        loaded = await self.pool.get(ref)
        spec = loaded.model.picture
        if not spec.finds_writing:
            raise Unprocessable(
                "model_finds_no_writing",
                f"{loaded.version.ref} looks at whole pictures and can't read a page. Name a model that finds digits.",
                "model",
            )
        began = self._clock()
        loop = asyncio.get_running_loop()
        with self._decoder_turn():
            page = await loop.run_in_executor(self._decoder, decoding.page, image, spec, self._max_image_pixels)
        ready = self._clock()
        done = await self._computed(loaded, list(page.pixels), ready + _QUEUE_SECONDS)
        with contained(image):
            _check_finite(done.rows)
        return PageAnswer(loaded.version, page, done.rows, self._durations(began, ready, done))

    def _durations(self, began: float, ready: float, done: BatchResult) -> Durations:
        return Durations(ready - began, self._clock() - ready - done.seconds, done.seconds)

    def _load(self, version: Version) -> LoadedModel:
        return load(version, self.device, self._computer, self._max_waiting)

    async def _prepared(self, images: Sequence[bytes], spec: InputSpec) -> list[Prepared | ImageRejected]:
        """A few digits in MNIST's format on the event loop, others in the decoder's thread, a handful at a time:
        between two handfuls other requests get their turn, and a client that went away stops costing anything.
        """
        quick = decoding.untouched(images, spec, self._max_image_pixels)
        if quick is not None:
            return quick
        with self._decoder_turn():
            return await self._decoded(images, spec)

    @contextlib.contextmanager
    def _decoder_turn(self) -> Iterator[None]:
        if self._decoding >= _MAX_DECODING:
            raise TooBusy("too_busy", "More pictures wait than can be read soon. Repeat the request later.")
        self._decoding += 1
        try:
            yield
        finally:
            self._decoding -= 1

    async def _decoded(self, images: Sequence[bytes], spec: InputSpec) -> list[Prepared | ImageRejected]:
        loop = asyncio.get_running_loop()
        prepared: list[Prepared | ImageRejected] = []
        left = _MAX_REQUEST_PICTURES * self._max_image_pixels
        for handful in decoding.handfuls(images):
            some, pixels = await loop.run_in_executor(
                self._decoder, decoding.read, handful, spec, self._max_image_pixels
            )
            prepared += some
            left -= pixels
            if left < 0:
                raise Unprocessable(
                    "batch_too_large",
                    f"The pictures have more than {_MAX_REQUEST_PICTURES * self._max_image_pixels / 1e6:g} million "
                    "pixels together. Send fewer or smaller ones at a time.",
                )
        return prepared

    async def _computed(self, loaded: LoadedModel, good: list[Pixels], deadline: float) -> BatchResult:
        if not good:
            return BatchResult(np.empty((0, len(loaded.model.labels)), np.float32), 0.0)
        try:
            return await loaded.batcher.submit(np.stack(good), deadline)
        except Overloaded:
            raise TooBusy("too_busy", "More pictures wait than can be read soon. Repeat the request later.") from None
        except TooLate:
            raise NotReady("too_late", "The pictures waited too long. Repeat the request later.") from None


def _answer(prepared: Prepared, row: Probabilities, manifest: Manifest, image: bytes) -> Answer | ImageRejected:
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


def _explained(version: Version, pixels: Pixels, image: bytes) -> bytes:
    try:
        model = Model.load(version.folder, version.manifest)
        with contained(image):
            return saliency.drawn(pixels, model.explain(pixels)[1])
    finally:
        give_back_memory()  # of a hundred pictures and their gradients
