"""Children of one kind: started when they are needed, used again, replaced when they die."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from app.decoding.process import ChildEnded, ChildGarbled, DecodingChild
from app.decoding.wire import Frame
from app.errors import NotReady
from app.telemetry.measures import Measures

_log = structlog.get_logger("digitserve.decoding")

Talk = Callable[[Frame], Awaitable[Frame]]


class End(Enum):
    """Why a child gave no answer."""

    SPENT = auto()  # it took more CPU, or time, than it may
    BROKE = auto()  # it crashed, or said what it can't
    KILLED = auto()  # something else killed it, and the one after it: the kernel for want of memory, an operator


@dataclass(frozen=True)
class Kind:
    """How children run."""

    name: str
    nice: int
    memory_bytes: int  # RLIMIT_DATA
    seconds: float  # on the clock on the wall, for what is asked at once
    idle_seconds: float | None = None  # after which one that nobody needs ends; None: one is always there


async def _says_nothing(_: Frame) -> Frame:
    raise ChildEnded


class Children:
    """Asks children, each about one thing at a time. Lives on one event loop at a time."""

    def __init__(self, kind: Kind, measures: Measures | None = None) -> None:
        self._kind = kind
        self._measures = measures or Measures()
        self._idle: list[DecodingChild] = []
        self._all: set[DecodingChild] = set()
        self._is_able = False  # the last one that was to begin did
        self._trying: asyncio.Task[None] | None = None

    @property
    def pids(self) -> list[int]:
        """Of all that run."""
        return [child.pid for child in self._all]

    def warm(self) -> None:
        """Starts a child before anybody needs it; what keeps it from starting is said when somebody does."""
        if not self._all:
            with contextlib.suppress(NotReady):
                self._idle.append(self._started())

    async def are_able(self, seconds: float) -> bool:
        """Whether a picture would find a child. Where none lives one is started, and waited for so long at most."""
        if not self._is_able or all(child.has_ended for child in self._all):
            if self._trying is None or self._trying.done():
                self._trying = asyncio.create_task(self._try())
            done, _ = await asyncio.wait((self._trying,), timeout=seconds)
            return bool(done) and self._is_able
        return True

    async def ask(self, frames: Sequence[Frame], talk: Talk = _says_nothing) -> list[Frame | End]:
        """The answer to each of some frames, which together are small or one; `talk` answers what a child asks.

        One that a child dies of has its end in its place, and the others go on in a new child. Where something else
        killed the child, the frame is asked once more. Where the caller is cancelled, the child is killed. Raises
        NotReady where no child can be had.
        """
        loop = asyncio.get_running_loop()
        found: list[Frame | End] = []
        repeated, until = -1, loop.time() + self._kind.seconds
        while len(found) < len(frames):
            child = await self._ready()
            over = loop.call_at(until, child.kill)
            sending: asyncio.Task[None] | None = None
            try:
                first, *others = frames[len(found) :]
                await child.send(first)
                if others:  # it may answer before it has all, and wait for us to read that
                    sending = loop.create_task(_send_all(child, others))
                while len(found) < len(frames):
                    found.append(await _answer(child, talk))
            except ChildEnded as ended:
                how = await self._end(child, loop.time() >= until, ended)
                self._refill()
                if how is End.KILLED and repeated != len(found):
                    repeated = len(found)
                    continue
                found.append(how)
                until = loop.time() + self._kind.seconds
            except BaseException:
                if child in self._all:  # not closed meanwhile
                    self._forget(child)
                    self._refill()
                raise
            else:
                self._rest(child)
            finally:
                over.cancel()
                if sending is not None:
                    sending.cancel()
        return found

    def close(self) -> None:
        """Ends all. What is asked of them fails."""
        if self._trying is not None:
            self._trying.cancel()
        ended, self._all = self._all, set()
        self._idle.clear()
        for child in ended:
            child.drop()
        for child in ended:
            child.reap()

    async def _end(self, child: DecodingChild, was_late: bool = False, ended: ChildEnded | None = None) -> End:
        if child not in self._all:  # closed meanwhile
            raise _none()
        self._all.discard(child)
        code = await child.end()
        if was_late or code == -signal.SIGPROF:
            how = End.SPENT
        else:
            how = End.KILLED if code == -signal.SIGKILL and not isinstance(ended, ChildGarbled) else End.BROKE
        _log.warning("child_ended", kind=self._kind.name, code=code, why=how.name.lower())
        self._measures.children_ended.add((self._kind.name, how.name.lower()))
        return how

    def _refill(self) -> None:
        """The next picture need not wait for a child to start."""
        if self._kind.idle_seconds is None:
            self.warm()

    async def _ready(self) -> DecodingChild:
        """The first that has not died meanwhile, or a new one."""
        while self._idle:
            child = self._idle.pop()
            if not child.has_ended and await self._has_begun(child):
                return child
            await self._end(child)
        child = self._started()
        if await self._has_begun(child):
            return child
        self._forget(child)
        self._is_able = False
        _log.error("child_never_began", kind=self._kind.name)
        self._measures.children_ended.add((self._kind.name, "never_began"))
        raise _none()

    async def _try(self) -> None:
        with contextlib.suppress(NotReady):
            self._rest(await self._ready())

    async def _has_begun(self, child: DecodingChild) -> bool:
        try:
            async with asyncio.timeout(self._kind.seconds):
                await child.ready()
        except asyncio.CancelledError:  # it begins for whoever comes next
            self._rest(child)
            raise
        except (ChildEnded, TimeoutError):
            return False
        self._is_able = True
        return True

    def _started(self) -> DecodingChild:
        try:
            child = DecodingChild(self._kind.nice, self._kind.memory_bytes)
        except OSError as error:
            self._is_able = False
            _log.error("child_not_started", kind=self._kind.name, why=error.strerror)
            raise _none() from None
        self._all.add(child)
        return child

    def _rest(self, child: DecodingChild) -> None:
        if child not in self._all:  # closed meanwhile
            return
        self._idle.append(child)
        if self._kind.idle_seconds is not None:
            asyncio.get_running_loop().call_later(self._kind.idle_seconds, self._retire, child, child.asked)

    def _retire(self, child: DecodingChild, asked: int) -> None:
        if child in self._idle and child.asked == asked:
            self._idle.remove(child)
            self._forget(child)

    def _forget(self, child: DecodingChild) -> None:
        """Ends it without holding up the event loop until it has."""
        if child in self._all:
            self._all.discard(child)
            child.drop()
            asyncio.get_running_loop().run_in_executor(None, child.reap)


async def _send_all(child: DecodingChild, frames: Sequence[Frame]) -> None:
    with contextlib.suppress(ChildEnded):  # whoever waits for its answers is told
        for frame in frames:
            await child.send(frame)


async def _answer(child: DecodingChild, talk: Talk) -> Frame:
    while "picture" in (answer := await child.receive()).header:
        await child.send(await talk(answer))
    return answer


def _none() -> NotReady:
    return NotReady("decoder_missing", "No process can be had that decodes pictures. Repeat the request later.")
