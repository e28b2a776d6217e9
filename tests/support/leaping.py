"""An event loop whose time leaps: what a test says of seconds, it says without waiting for them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class LeapingLoop(asyncio.SelectorEventLoop):
    """Seconds pass when a test says so, and no test waits for them."""

    leapt = 0.0

    def time(self) -> float:
        return super().time() + self.leapt

    async def leap(self, seconds: float) -> None:
        await asyncio.sleep(0.01)  # lets what is ready begin to wait
        self.leapt += seconds
        await asyncio.sleep(0.01)


def leaping(test: Callable[[LeapingLoop], Coroutine[Any, Any, None]]) -> None:
    """Runs a test on a loop of its own."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, LeapingLoop)
        runner.run(test(loop))


def leap(seconds: float) -> None:
    """The same on the loop that runs, for tests whose backend is `("asyncio", {"loop_factory": LeapingLoop})`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    loop.leapt += seconds
