"""A lane: pictures of one weight, fair by client, in children of their own."""

import asyncio
from collections.abc import Sequence

from app.decoding.children import Children, End
from app.decoding.turns import Full, Late, Turns
from app.decoding.wire import Frame
from app.errors import NotReady, TooBusy

_GRACE_SECONDS = 0.25  # for work that nobody waits for any more: to start another child costs as much


class Lane:
    """Whose turn it is, and whom to ask then."""

    def __init__(self, children: Children, turns: Turns, cpu_seconds: float) -> None:
        """`cpu_seconds` are what one picture may take."""
        self.children = children
        self.cpu_seconds = cpu_seconds
        self._turns = turns

    @property
    def waiting(self) -> int:
        """How many ask and have no turn yet."""
        return self._turns.waiting

    async def ask(self, client: str, frames: Sequence[Frame], deadline: float = float("inf")) -> list[Frame | End]:
        """`Children.ask` when it is the client's turn. `deadline`, a time of the turns' clock, is for its beginning.

        Where the caller is cancelled it leaves the line; what has begun may end within a moment, or is killed. Raises
        TooBusy at once, and NotReady at the deadline.
        """
        try:
            await self._turns.take(client, deadline)
        except Full:
            raise too_busy() from None
        except Late:
            raise too_late() from None
        work = asyncio.create_task(self.children.ask(frames))
        work.add_done_callback(lambda done: self._ended(client, done))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(_GRACE_SECONDS, work.cancel)
            raise

    def _ended(self, client: str, work: "asyncio.Task[list[Frame | End]]") -> None:
        if not work.cancelled():
            work.exception()  # nobody may be left to hear it
        self._turns.give(client)


def too_busy() -> TooBusy:
    """What is answered where too many wait."""
    return TooBusy("too_busy", "More pictures wait than can be read soon. Repeat the request later.")


def too_late() -> NotReady:
    """What is answered where no turn came in time."""
    return NotReady("too_late", "The pictures waited too long. Repeat the request later.")
