"""What an upload's rows are worth: read one by one, counted, reported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync

from app.decoding.decoder import Decoder
from app.decoding.turns import Full, Turns
from app.errors import TooBusy
from models_store import records
from models_store.datasets.clean import CleaningReport
from models_store.specs import InputSpec

_AT_ONCE, _AT_ONCE_EACH = 3, 2  # each has a child behind everything else in the queue for the processor
_WAITING, _WAITING_EACH = 64, 16


def plain(report: CleaningReport, spec: InputSpec) -> dict[str, Any]:
    """The report as JSON's kinds of values, and as `input` what the pictures were prepared for."""
    return {**records.plain(report), "input": records.plain(spec)}


class Inspections:
    """Reads data sets in children, a few at a time; the others wait without holding anything up, and clients take
    turns: no one of them has all."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._turns = Turns(_AT_ONCE, at_once_each=_AT_ONCE_EACH, max_waiting=_WAITING, max_waiting_each=_WAITING_EACH)

    async def report(self, path: Path, spec: Callable[[], InputSpec], client: str = "") -> dict[str, Any]:
        """The `plain` report of a data set for `spec`, which is asked in a thread.

        Raises TooBusy and what `Decoder.data_set` raises. When it is cancelled, the child is ended.
        """
        try:
            await self._turns.take(client)
        except Full:
            raise TooBusy("too_busy", "More data sets wait than can be read soon. Send it again later.") from None
        try:
            wanted = await run_sync(spec, abandon_on_cancel=True)
            return plain(await self._decoder.data_set(path, wanted, client), wanted)
        finally:
            self._turns.give(client)
