"""Decoder: strangers' pictures -> what a model sees, in children that can be killed.

What takes about as long shares a lane, so that no drawing waits behind a photograph, and no photograph behind a page;
in each lane clients take turns. Every picture has a CPU budget, which the kernel keeps.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from app.decoding import outcomes, spelling
from app.decoding.children import Children, Kind
from app.decoding.lane import Lane
from app.decoding.turns import Turns
from app.decoding.wire import Frame
from app.errors import Unprocessable
from app.telemetry.measures import Measures
from models_store.datasets.clean import CleaningReport
from models_store.errors import ImageRejected
from models_store.pictures.formats.headers import size_of
from models_store.pictures.many.page import PreparedPage
from models_store.pictures.prepare import Prepared
from models_store.pictures.stripped import Stripped
from models_store.specs import InputSpec

_SMALL_PIXELS, _SMALL_BYTES = 640 * 640, 128 * 1024  # of a drawing on a screen's canvas, twice as fine
_MEDIUM_PIXELS, _MEDIUM_BYTES = 2_000_000, 4 * 1024 * 1024  # of a photograph as messengers send it
# of small pictures that a child is asked about in one turn: some milliseconds
_HANDFUL, _HANDFUL_BYTES, _HANDFUL_PIXELS = 32, 16 * 1024, 100_000
# of CPU that one may take, while others wait: of the heaviest that were found a small one takes 0.06, a medium one 0.1
_SMALL_SECONDS, _MEDIUM_SECONDS = 0.5, 1.0
_FEW = 4  # pictures whose headers the event loop reads itself: each may take a millisecond
_MAX_REQUEST_PICTURES = 4  # a request may bring as many pixels as so many pictures of the largest size
_WALL_SECONDS = 30.0  # a child that was stopped, or whose memory is on a disk
_IDLE_SECONDS = 60.0
_ABLE_SECONDS = 10.0  # for a child to begin: a picture waits no longer either
_DATA_SETS = 3  # children for data sets
_ROW_SECONDS = 10.0  # of CPU, between two rows of a data set
_MiB = 2**20

Found = TypeVar("Found")


class Decoder:
    """The only door to decoding for whoever serves. Lives on one event loop at a time, in which its children start."""

    def __init__(
        self,
        max_pixels: int = 16_000_000,
        cpu_seconds: float = 4.0,
        data_set_pixels: int = 1_000_000_000,
        clock: Callable[[], float] = time.monotonic,
        measures: Measures | None = None,
    ) -> None:
        """`max_pixels` and `cpu_seconds` are what one picture may have and take, `data_set_pixels` all of an upload."""
        self._max_pixels = max_pixels
        self._cpu_seconds = cpu_seconds
        self._data_set_pixels = data_set_pixels

        def lane(seconds: float, kind: Kind) -> Lane:
            return Lane(Children(kind, measures), Turns(clock=clock), min(cpu_seconds, seconds))

        self._small = lane(_SMALL_SECONDS, Kind("small", 0, 256 * _MiB, _WALL_SECONDS))
        self._medium = lane(_MEDIUM_SECONDS, Kind("medium", 1, 256 * _MiB, _WALL_SECONDS, _IDLE_SECONDS))
        self._large = lane(cpu_seconds, Kind("large", 10, 512 * _MiB, _WALL_SECONDS, _IDLE_SECONDS))
        self._data_sets = Children(Kind("data sets", 15, 384 * _MiB, 3600.0, _IDLE_SECONDS), measures)
        self._loop: asyncio.AbstractEventLoop | None = None

    def warm(self) -> None:
        """Starts what the first drawing would wait for. Call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._small.children.warm()

    async def is_able(self, seconds: float = _ABLE_SECONDS) -> bool:
        """Whether pictures can be read. Where no small child can be had, no other one can."""
        return await self._small.children.are_able(seconds)

    def close(self) -> None:
        """Ends all children. Blocks for some milliseconds."""
        for children in self._every():
            children.close()

    @property
    def waiting(self) -> Mapping[str, int]:
        """How many requests wait for their turn, by the kind of their pictures."""
        lanes = {"small": self._small, "medium": self._medium, "large": self._large}
        return {kind: lane.waiting for kind, lane in lanes.items()}

    @property
    def pids(self) -> list[int]:
        """The process ids of all children."""
        return [pid for children in self._every() for pid in children.pids]

    async def read(
        self, images: Sequence[bytes], spec: InputSpec, client: str = "", deadline: float = float("inf")
    ) -> list[Prepared | ImageRejected]:
        """What a version that takes `spec` sees of each picture; a bad one is its refusal.

        `deadline` is when the first of each lane must have begun. Raises Unprocessable (`batch_too_large`), TooBusy,
        NotReady.
        """
        sizes = _sizes(images) if len(images) <= _FEW else await asyncio.to_thread(_sizes, images)
        self._check_together(sizes)
        lanes = [self._lane(image, size) for image, size in zip(images, sizes, strict=True)]
        found: dict[int, Prepared | ImageRejected] = {}

        async def through(lane: Lane, handfuls: Sequence[Sequence[int]]) -> None:
            until = deadline
            for handful in handfuls:
                answers = await lane.ask(client, [self._frame("read", images[i], spec, lane) for i in handful], until)
                until = float("inf")  # it has begun in time
                for i, answer in zip(handful, answers, strict=True):
                    found[i] = outcomes.found_or_refusal(
                        images[i], answer, lambda frame: spelling.prepared_of(frame, spec)
                    )

        each = {lane: [i for i, its in enumerate(lanes) if its is lane] for lane in dict.fromkeys(lanes)}
        await _together(
            *(
                through(lane, list(_handfuls(its, images, sizes)) if lane is self._small else [[i] for i in its])
                for lane, its in each.items()
            )
        )
        return [found[i] for i in range(len(images))]

    async def page(
        self, image: bytes, spec: InputSpec, client: str = "", deadline: float = float("inf")
    ) -> PreparedPage:
        """The digits of a page. Raises ImageRejected, TooBusy, NotReady."""
        answers = await self._large.ask(client, [self._frame("page", image, spec, self._large)], deadline)
        return _or_raise(outcomes.found_or_refusal(image, answers[0], lambda frame: spelling.page_of(frame, spec)))

    async def keep(
        self, image: bytes, spec: InputSpec | None = None, client: str = "", deadline: float = float("inf")
    ) -> tuple[Stripped, bool]:
        """A picture as it is kept, and whether a version that takes `spec` sees nothing on it. Raises what `page`
        raises."""
        lane = self._lane(image, _pixels(image))
        if lane is self._medium:  # to pack it anew takes a tenth of a second
            lane = self._large
        answers = await lane.ask(client, [self._frame("keep", image, spec, lane)], deadline)
        return _or_raise(outcomes.found_or_refusal(image, answers[0], spelling.stripped_of))

    def strip(self, image: bytes) -> Stripped:
        """`keep` for a thread that is not the event loop's, after `warm`. Raises what `page` raises."""
        assert self._loop is not None, "it was warmed on the event loop"
        return asyncio.run_coroutine_threadsafe(self.keep(image, None, "review"), self._loop).result()[0]

    async def data_set(self, path: Path, spec: InputSpec, client: str = "") -> CleaningReport:
        """What became of the rows of a data set that is prepared for `spec`. Its large pictures take turns with others.

        Whoever calls sees to it that few are read at once. Raises DataSetRejected, NotReady, PayloadTooLarge
        (`too_many_rows`, `data_set_too_large`).
        """
        said = {"path": str(path), "pixels": self._data_set_pixels, "all_cpu_seconds": 60 * self._cpu_seconds}
        said |= {"own_pixels": _SMALL_PIXELS, "own_bytes": _SMALL_BYTES, "row_seconds": _ROW_SECONDS}
        asked = self._frame("data_set", b"", spec, self._large)

        async def talk(question: Frame) -> Frame:
            image = bytes(question.data)
            answers = await self._large.ask(f"{client} data", [self._frame("read", image, spec, self._large)])
            return outcomes.passed_on(image, answers[0])

        (answer,) = await self._data_sets.ask([Frame({**asked.header, **said})], talk)
        return outcomes.report(answer)

    def _every(self) -> tuple[Children, ...]:
        return *(lane.children for lane in (self._small, self._medium, self._large)), self._data_sets

    def _frame(self, what: str, image: bytes, spec: InputSpec | None, lane: Lane) -> Frame:
        facts: dict[str, Any] = {"work": what, "cpu_seconds": lane.cpu_seconds, "max_pixels": self._max_pixels}
        return Frame({**facts, "spec": spelling.of_spec(spec) if spec else None}, image)

    def _lane(self, image: bytes, pixels: int) -> Lane:
        """By what it costs: small are drawings, and what is refused by its header."""
        if pixels > self._max_pixels or (pixels <= _SMALL_PIXELS and len(image) <= _SMALL_BYTES):
            return self._small
        return self._medium if pixels <= _MEDIUM_PIXELS and len(image) <= _MEDIUM_BYTES else self._large

    def _check_together(self, sizes: Sequence[int]) -> None:
        most = _MAX_REQUEST_PICTURES * self._max_pixels
        if sum(pixels for pixels in sizes if pixels <= self._max_pixels) > most:
            raise Unprocessable(
                "batch_too_large",
                f"The pictures have more than {most / 1e6:g} million pixels together. Send fewer or smaller ones at a "
                "time.",
            )


def _sizes(images: Sequence[bytes]) -> list[int]:
    return [_pixels(image) for image in images]


def _pixels(image: bytes) -> int:
    """As the header says; 0 where it says nothing that can be believed."""
    width, height = size_of(image) or (0, 0)
    return width * height


def _handfuls(places: Sequence[int], images: Sequence[bytes], pixels: Sequence[int]) -> Iterator[list[int]]:
    """The places in order, so many at a time that their pictures together are few and small."""
    handful: list[int] = []
    room = _HANDFUL_BYTES, _HANDFUL_PIXELS
    for place in places:
        handful.append(place)
        room = room[0] - len(images[place]), room[1] - pixels[place]
        if len(handful) == _HANDFUL or min(room) <= 0:
            yield handful
            handful, room = [], (_HANDFUL_BYTES, _HANDFUL_PIXELS)
    if handful:
        yield handful


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """Waits for all; where one fails the others are cancelled, and its error is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _or_raise(found: Found | ImageRejected) -> Found:
    if isinstance(found, ImageRejected):
        raise found
    return found
