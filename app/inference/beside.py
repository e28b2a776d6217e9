"""Understudy: has the challenger of a model read what its champion has read, when nobody waits for anything.

No answer waits for it and nothing that goes wrong in it reaches one: it takes some of what has been answered, and
computes a handful at a time in a thread that steps back, while this process is quiet. What comes meanwhile beyond that
is dropped: a share of the traffic is enough.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import structlog

from app.errors import AppError
from app.inference.answer import Answer
from app.inference.engine import Engine
from app.inference.loaded import LoadedModel
from models_store.errors import ImageRejected, StoreError
from models_store.files import Pixels, Probabilities
from models_store.machine import step_back
from models_store.pictures.prepare import Prepared

_MOST_WAITING, _MOST_BYTES = 256, 16 * 2**20  # pictures, and as they were sent
_HANDFUL = 16  # pictures: one or two milliseconds of the shipped net
_QUIET_SECONDS = 0.005  # without a request, before a handful is computed
_LONGEST_PAUSE = 0.1  # between two looks whether it is quiet
_REST_SECONDS = 30.0  # after what can't be mended by trying again
_NICE = 4  # as explanations: at 0 answers wait for the core, at 10 for Python's lock
_CLIENT = "challenger"  # whose turn it is where pictures must be decoded anew

_log = structlog.get_logger("digitserve.shadow")


class Unlike(NamedTuple):
    """A picture, as it was sent, that champion and challenger read otherwise."""

    image: bytes
    champion_label: str
    challenger_label: str
    champion_confidence: float
    challenger_confidence: float
    client: str  # who sent it


# Takes a model, the numbers of its champion and its challenger, how many pictures both have read, and those that they
# read otherwise. Returns at once and raises nothing.
Told = Callable[[str, int, int, int, Sequence[Unlike]], None]


@dataclass(frozen=True)
class _Read:
    """A picture that the champion has read."""

    champion: LoadedModel
    challenger: int
    answer: Answer
    image: bytes
    client: str


class Understudy:
    """Of one engine; lives on its event loop."""

    def __init__(
        self,
        engine: Engine,
        share: float,
        told: Told,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`share` is that of the pictures which the challenger reads too."""
        self._engine = engine
        self._share = share
        self._told = told
        self._clock = clock
        self._chance = chance
        self._thread = ThreadPoolExecutor(1, "beside", initializer=step_back, initargs=(_NICE,))
        self._waiting: deque[_Read] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._rest_until = -math.inf
        self._trouble: dict[str, str] = {}  # why no challenger of a model reads here

    def trouble(self, name: str) -> str | None:
        """Why the challenger of a model reads nothing in this process: a sentence."""
        return self._trouble.get(name)

    def offer(
        self, champion: LoadedModel, images: Sequence[bytes], items: Sequence[Answer | ImageRejected], client: str = ""
    ) -> None:
        """Takes a share of what a version has answered, where it has a challenger. Returns at once, raises nothing."""
        challenger = self._engine.pool.challenger(champion)
        if challenger is None or self._clock() < self._rest_until:
            return
        for image, item in zip(images, items, strict=True):
            if self._chance() >= self._share or isinstance(item, ImageRejected) or item.prepared.is_blank:
                continue
            if len(self._waiting) >= _MOST_WAITING or self._bytes + len(image) > _MOST_BYTES:
                break
            self._waiting.append(_Read(champion, challenger, item, image, client))
            self._bytes += len(image)
        if self._waiting and self._task is None:
            self._task = asyncio.create_task(self._work())

    def close(self) -> None:
        """Reads no more."""
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        name = ""
        try:
            while self._waiting:
                name = self._waiting[0].champion.version.name
                await self._compare(self._waiting[0].champion, self._waiting[0].challenger)
        except (AppError, StoreError) as error:
            self._give_up(name, str(error))
        except Exception:  # nobody is told but the log
            _log.exception("unforeseen")
            self._give_up(name, "The challenger can't read. The log says why.")
        finally:
            self._task = None

    async def _compare(self, champion: LoadedModel, number: int) -> None:
        """The next handful, of one pair of versions."""
        name = champion.version.name
        challenger = await self._engine.pool.hold(name, number)
        if challenger is None:
            self._give_up(
                name, f"There is no place for {name}@{number} beside the champions. Raise DIGITSERVE_MAX_LIVE_VERSIONS."
            )
            return
        await self._quiet()
        handful = self._handful(champion, number)
        spec, seen = challenger.model.picture, champion.model.picture
        if spec.shape == seen.shape and spec.prepares_as(seen):
            pairs = [(one, one.answer.prepared.pixels) for one in handful]
        else:
            found = await self._engine.again([one.image for one in handful], spec, _CLIENT)
            pairs = [(one, item.pixels) for one, item in zip(handful, found, strict=True) if isinstance(item, Prepared)]
        if pairs:
            loop = asyncio.get_running_loop()
            unlike = await loop.run_in_executor(self._thread, _unlike, challenger, pairs)
            self._told(name, champion.version.number, number, len(pairs), unlike)
        self._trouble.pop(name, None)

    async def _quiet(self) -> None:
        pause = _QUIET_SECONDS
        while not self._engine.is_quiet(_QUIET_SECONDS):
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_PAUSE)

    def _handful(self, champion: LoadedModel, number: int) -> list[_Read]:
        taken: list[_Read] = []
        while self._waiting and len(taken) < _HANDFUL:
            if self._waiting[0].champion is not champion or self._waiting[0].challenger != number:
                break
            taken.append(self._waiting.popleft())
        self._bytes -= sum(len(one.image) for one in taken)
        return taken

    def _give_up(self, name: str, why: str) -> None:
        """Lets go of what waits, and says why, once while it lasts."""
        self._waiting.clear()
        self._bytes = 0
        self._rest_until = self._clock() + _REST_SECONDS
        if self._trouble.get(name) != why:
            _log.warning("challenger_rests", model=name, why=why)
        self._trouble[name] = why


def _unlike(challenger: LoadedModel, pairs: Sequence[tuple[_Read, Pixels]]) -> list[Unlike]:
    """In the thread: those that the challenger reads otherwise. Raises FloatingPointError."""
    rows: Probabilities = challenger.model.predict(np.stack([pixels for _, pixels in pairs]))
    if not np.isfinite(rows).all():
        raise FloatingPointError("the challenger's probabilities are no numbers")
    labels, found = challenger.version.manifest.labels, []
    for (one, _), row in zip(pairs, rows, strict=True):
        verdict, best = one.answer.verdict, int(row.argmax())
        if verdict.label != labels[best]:
            said = verdict.label, labels[best], verdict.confidence, float(row[best])
            found.append(Unlike(one.image, *said, one.client))
    return found
