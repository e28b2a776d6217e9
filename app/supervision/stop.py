"""What SIGTERM and Ctrl-C mean to `serve`, from its first line to its last."""

import asyncio
import contextlib
import signal


class Stop:
    """Asked once, the server ends in order. A second Ctrl-C means at once: whoever types it waits at a terminal."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_held = False

    def install(self) -> None:
        """From now on a signal raises SystemExit(0), until `hold`."""
        # Not the loop's own handlers: those go when it closes, and a Ctrl-C after that would be a traceback.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._handle(number))
        # What is started inherits it: in the background of a terminal it may log, whatever `stty tostop` says.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def hold(self) -> None:
        """From now on a signal sets the events: an exception would leave asyncio half made. No loop runs yet."""
        self._is_held = True

    def attach(self) -> None:
        """From now on a signal sets the events on the running loop; when that has closed it does nothing."""
        self._loop = asyncio.get_running_loop()

    def end(self) -> None:
        """From now on a signal changes nothing: Python drops our handlers while it ends, and would end as a failure."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, number: int) -> None:
        if self._loop is None:
            if self._is_held:
                self._ask(number)
                return
            self.end()  # once is enough
            raise SystemExit(0)
        with contextlib.suppress(RuntimeError):  # the loop is closed: everything has ended
            self._loop.call_soon_threadsafe(self._ask, number)

    def _ask(self, number: int) -> None:
        if self.asked.is_set() and number == signal.SIGINT:
            self.hurried.set()
        self.asked.set()
