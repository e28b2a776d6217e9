"""A decoding child, as its parent holds it: started, asked, killed, and reaped."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping

from app.decoding.wire import PREFIX_BYTES, Frame, Garbled, frame, lengths, packed

# All that a child is told of the environment: none of it is a secret.
_PASSED_ON = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL",
    "COVERAGE_PROCESS_START",
)  # fmt: skip
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_WAIT_SECONDS = 5.0  # for the kernel to end what was killed


class ChildEnded(Exception):
    """It died, or was killed."""


class ChildGarbled(ChildEnded):
    """It wrote what is no frame."""


class DecodingChild:
    """One process. Ask it one thing at a time."""

    def __init__(self, nice: int, memory_bytes: int) -> None:
        """Starts it, which takes 2 ms; it can answer a quarter of a second later. Raises OSError.

        Whoever calls must be a thread that lives as long as this process should: the kernel ends it with that thread.
        """
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        arguments = ("--parent", str(os.getpid()), "--memory", str(memory_bytes))
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 (our own program, no shell)
                    (sys.executable, "-m", "app.decoding.child", *arguments), env=_environment(os.environ),
                    stdin=theirs.fileno(), stdout=subprocess.DEVNULL,
                )  # fmt: skip
        except OSError:
            self._socket.close()
            raise
        with contextlib.suppress(OSError):  # from here: its start takes a quarter of a second of CPU
            os.setpriority(os.PRIO_PROCESS, self.pid, os.getpriority(os.PRIO_PROCESS, 0) + nice)
        self._beginning: asyncio.Future[Frame] | None = None
        self.asked = 0  # frames so far

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has died, while nobody asked it anything."""
        return self._process.poll() is not None

    async def ready(self) -> None:
        """Returns when it can answer. A caller that is cancelled takes nothing from the next. Raises ChildEnded where
        it never will."""
        if self._beginning is None or self._beginning.cancelled():
            self._beginning = asyncio.ensure_future(self.receive())
        if not self._beginning.done():
            await asyncio.shield(self._beginning)
        self._beginning.result()

    async def send(self, message: Frame) -> None:
        """Raises ChildEnded."""
        loop = asyncio.get_running_loop()
        self.asked += 1
        try:
            await loop.sock_sendall(self._socket, packed(message))
            if len(message.data):
                await loop.sock_sendall(self._socket, message.data)
        except OSError:
            raise ChildEnded from None

    async def receive(self) -> Frame:
        """The next frame that it sends. Raises ChildEnded."""
        try:
            header, data = lengths(bytes(await self._exactly(PREFIX_BYTES)))
            return frame(bytes(await self._exactly(header)), await self._exactly(data))
        except OSError:
            raise ChildEnded from None
        except Garbled:
            raise ChildGarbled from None

    def kill(self) -> None:
        """Ends it now, whatever it does; `end` waits for that."""
        self._process.kill()

    async def end(self) -> int:
        """Kills it where it still runs, and says how it ended, as subprocess does (-27: by SIGPROF)."""
        self.drop()
        code = self._process.poll()
        return await asyncio.to_thread(self.reap) if code is None else code

    def drop(self) -> None:
        """Kills it, and listens to it no more; `reap` must follow."""
        self.kill()
        if self._beginning is not None and not self._beginning.done():
            self._beginning.cancel()
        self._socket.close()

    def reap(self) -> int:
        """Waits for the end of what was dropped, and says how it ended. Blocks, for 50 ms where it held much memory."""
        try:
            return self._process.wait(_WAIT_SECONDS)
        except subprocess.TimeoutExpired:  # the kernel has not come to it; subprocess reaps it when the next one starts
            return -signal.SIGKILL

    async def _exactly(self, count: int) -> bytearray:
        loop, whole, got = asyncio.get_running_loop(), bytearray(count), 0
        view = memoryview(whole)
        while got < count:
            more = await loop.sock_recv_into(self._socket, view[got:])
            if not more:
                raise ChildEnded
            got += more
        return whole


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    return {name: ours[name] for name in _PASSED_ON if name in ours} | _ONE_THREAD
