"""Engine: the way from the bytes of pictures to verdicts about them."""

import asyncio
import contextlib
import math
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from app.decoding.decoder import Decoder
from app.errors import NotReady, TooBusy, Unprocessable
from app.inference import decoding
from app.inference.answer import Answer, Answers, Durations, PageAnswer
from app.inference.batcher import BatchResult, Overloaded, TooLate
from app.inference.counted import ReadingCounts
from app.inference.explaining import Explainer
from app.inference.fastest import KnownFastest
from app.inference.loaded import LoadedModel, load
from app.inference.pool import ModelPool
from app.telemetry.measures import Measures
from models_store.errors import ImageRejected
from models_store.files import Probabilities
from models_store.manifest import Manifest
from models_store.model import use_threads
from models_store.pictures.contained import contained
from models_store.pictures.decode import Pixels
from models_store.pictures.prepare import Prepared
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import InputSpec

_QUEUE_SECONDS = 10.0  # from its arrival: what waited longer is refused, its client has likely given up
_DECODED_SECONDS = 2.0  # that pictures which were decoded in time may wait for the model at least
_FEW_VERDICTS = 16  # that are made on the event loop
_SWITCH_SECONDS = 0.001  # after which a thread that computes in Python lets the event loop go on, instead of 0.005


# Takes what a version has answered: the version, the pictures, what was said of each, who sent them. Returns at once.
Watch = Callable[[LoadedModel, Sequence[bytes], Sequence[Answer | ImageRejected], str], None]
# Takes what was read, in the task that asked for it: the version, how many, seconds of preparing, waiting, computing.
Traced = Callable[[str, int, float, float, float], None]


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
        measures: Measures | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.device = device
        self._max_image_pixels = max_image_pixels
        self._max_waiting = max_waiting
        self._fastest = fastest
        self._clock = clock
        self._decoder = decoder
        self._computer = ThreadPoolExecutor(1, "compute")
        self._explainer = Explainer(clock)
        self._measures = measures or Measures()
        self.counts = ReadingCounts(self._measures)
        self.pool = ModelPool(registry, self._load, max_loaded, clock, self._measures)
        self.beside: Watch | None = None
        self.traced: Traced | None = None
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
            self._computer.shutdown(wait=False, cancel_futures=True)
            self._explainer.close()

    async def predict(self, ref: Ref, images: Sequence[bytes], client: str = "") -> Answers:
        """Reads PNG, JPEG, WEBP, BMP, GIF or TIFF pictures. Clients take turns. A caller that is cancelled is not
        computed.

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
        answers = await self._answers(loaded, prepared, images, done, self._durations(loaded, began, ready, done))
        if self.pool.challengers and self.beside is not None:
            self.beside(loaded, images, answers.items, client)
        return answers

    async def predict_rows(self, loaded: LoadedModel, rows: Sequence[Prepared]) -> Answers:
        """Reads rows that go in as they are, in the shape that the version takes. They share its batches with pictures;
        no challenger sees them, because there is no picture to show a person. A caller that is cancelled is not
        computed.

        Raises TooBusy, NotReady.
        """
        self._in_flight += 1
        try:
            self._asked_at = began = self._clock()
            done = await self._computed(loaded, [row.pixels for row in rows], began + _QUEUE_SECONDS)
        finally:
            self._in_flight -= 1
        sent = [row.pixels.tobytes() for row in rows]
        return await self._answers(loaded, rows, sent, done, self._durations(loaded, began, began, done))

    def is_quiet(self, seconds: float) -> bool:
        """Whether nobody waits for pictures to be read, and nobody came for so many seconds."""
        return not self._in_flight and self._clock() - self._asked_at >= seconds

    async def again(self, images: Sequence[bytes], spec: InputSpec, client: str) -> list[Prepared | ImageRejected]:
        """What a version that takes `spec` sees of pictures that another has read. Raises what `predict` raises."""
        return await self._prepared(images, spec, client, self._clock() + _QUEUE_SECONDS)

    async def explain(self, version: Version, pixels: Pixels, image: bytes, client: str = "") -> bytes:
        """A PNG of what in a prepared picture speaks for its label, and what it raises: see `Explainer.explain`."""
        return await self._explainer.explain(version, pixels, image, client)

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
        try:
            page = await self._decoder.page(image, spec, client, began + _QUEUE_SECONDS)
        except ImageRejected as refusal:
            self.counts.refused(refusal)
            raise
        ready = self._clock()
        latest = max(began + _QUEUE_SECONDS, ready + _DECODED_SECONDS)
        done = await self._computed(loaded, list(page.pixels), latest)
        with contained(image):
            _check_finite(done.rows)
        answer = PageAnswer(loaded.version, page, done.rows, self._durations(loaded, began, ready, done))
        await asyncio.to_thread(self.counts.page, answer)
        return answer

    async def _answers(
        self,
        loaded: LoadedModel,
        prepared: Sequence[Prepared | ImageRejected],
        sent: Sequence[bytes],
        done: BatchResult,
        seconds: Durations,
    ) -> Answers:
        """Every picture and row with what was computed of it; `sent` is how each came. They are counted here."""
        rows, manifest, is_finite = iter(done.rows), loaded.version.manifest, bool(np.isfinite(done.rows).all())
        items: list[Answer | ImageRejected] = []
        for item, image in zip(prepared, sent, strict=True):
            if isinstance(item, ImageRejected):
                items.append(item)
            else:
                row = next(rows)
                items.append(Answer(item, row, manifest) if is_finite else _answered(item, row, manifest, image))
        answers = Answers(loaded.version, items, seconds)
        if len(items) <= _FEW_VERDICTS:
            self.counts.answers(answers)
        else:
            await asyncio.to_thread(self.counts.answers, answers)
        return answers

    def _durations(self, loaded: LoadedModel, began: float, ready: float, done: BatchResult) -> Durations:
        seconds = Durations(ready - began, self._clock() - ready - done.seconds, done.seconds)
        if self.traced is not None:
            self.traced(loaded.version.ref, len(done.rows), seconds.prepare, seconds.queue, seconds.infer)
        return seconds

    def _load(self, version: Version) -> LoadedModel:
        return load(version, self.device, self._computer, self._max_waiting, self._fastest, self._measures)

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
