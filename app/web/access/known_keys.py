"""The keys as one process knows them: read anew every half second while requests come, so that a revoked one is refused
within a second by every process. No request waits for anything as long as what is known is fresh.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog

from app.errors import NOTHING_LASTS, AppError
from app.storage import refusals
from app.web.access.key_store import USE_SECONDS, KeysFound, KeyStore
from app.web.access.visitor import Visitor

FRESH_SECONDS = 0.5  # how long what was read counts as it is
# Requests wait so long for a new reading, longer than the database may take for it (app.main); then they go by the last
# one while it is on its way.
_PATIENCE_SECONDS = 3.0
# How long the last reading counts while the database can't be read. Mostly nothing can be revoked then either; but a
# process that is cut off from a database that others reach must not let in for hours whom they refuse.
LAST_SECONDS = 900.0

_log = structlog.get_logger("digitserve.keys")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that counts."""

    sha256: str
    scopes: frozenset[str]
    ends: float  # of the process's clock
    visitor: Visitor
    local_visitor: Visitor


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one reading has found."""

    at: float  # of the process's clock, before the reading began
    keys: Mapping[str, KnownKey]
    ever_made: bool  # whether there ever was a key: then nobody gets in without one
    # What was sent with a key that was found to count. It is looked up by a hash with a secret (PEP 456), so that the
    # time it takes tells nothing of a key; what is not in it is compared in constant time.
    checked: dict[bytes, "tuple[str, KnownKey]"] = field(default_factory=dict)


class KnownKeys:
    """The last reading, and its renewal."""

    def __init__(self, store: KeyStore, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._store = store
        self._threads = ThreadPoolExecutor(2, "keys")  # one reads, one writes; it starts none before it is asked
        self._snapshot: Snapshot | None = None
        self._reading: asyncio.Task[None] | None = None
        self._tried = 0.0
        self._refusal: AppError | None = None  # why the last reading was none
        self._is_late = False  # the last reading was none, or takes long: nobody waits for the next one
        self._mark_after: dict[str, float] = {}
        self._unmarked: set[str] = set()
        self._marking: asyncio.Task[None] | None = None
        self._is_closed = False

    async def now(self) -> Snapshot:
        """What is known. Raises one of NOTHING_LASTS where the database was not read yet, or not for long."""
        found = self._snapshot
        if found is not None and self.clock() - found.at <= FRESH_SECONDS:
            return found
        return await self._newer()

    async def _newer(self) -> Snapshot:
        reading = self._renewed()
        if not self._is_late:
            patience = _PATIENCE_SECONDS if self._snapshot else None
            await asyncio.wait((reading,), timeout=patience)  # one reading for all who wait
            self._is_late = self._is_late or not reading.done()
        found = self._last()
        if found is None:
            raise self._refusal or refusals.unavailable()
        return found

    def are_known(self) -> bool:
        """Whether `now` would tell; has them read anew where that is due. Call it in the event loop."""
        found = self._last()
        if found is None or self.clock() - found.at > FRESH_SECONDS:
            self._renewed()
        return found is not None

    @property
    def had_keys(self) -> bool:
        """Whether any reading, however old, has found a key."""
        return self._snapshot is not None and self._snapshot.ever_made

    def _last(self) -> Snapshot | None:
        found = self._snapshot
        return None if found is None or self.clock() - found.at > LAST_SECONDS else found

    def _renewed(self) -> asyncio.Task[None]:
        """The reading on its way, or the last one where the next is not due yet."""
        if self._reading is None or (self._reading.done() and self.clock() - self._tried > FRESH_SECONDS):
            self._tried = self.clock()
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        began = self.clock()
        if self._is_closed:
            return
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._store.found)
            self._take(began, found)
            self._is_late, self._refusal = False, None
        except NOTHING_LASTS as refusal:
            self._fail(refusal)
        except Exception:
            _log.exception("unforeseen")
            self._fail(refusals.unusable())

    def _take(self, began: float, found: KeysFound) -> None:
        ever_made = self._snapshot is not None and self._snapshot.ever_made
        if ever_made and not found.is_there:  # a disk went away, and the keys with it
            raise refusals.lost()
        known = {
            key.id: KnownKey(
                key.sha256,
                key.scopes,
                float("inf") if key.seconds_left is None else began + key.seconds_left,
                Visitor(f"key:{key.id}", key.id, scopes=key.scopes),
                Visitor(f"key:{key.id}", key.id, is_local=True, scopes=key.scopes),
            )
            for key in found.usable
        }
        self._snapshot = Snapshot(began, known, ever_made or found.ever_made)

    def _fail(self, refusal: AppError) -> None:
        if not self._is_late or self._refusal is None:
            _log.warning("keys_not_read", code=refusal.code, why="what was read last goes on for up to a quarter hour")
        self._is_late, self._refusal = True, refusal

    def used(self, key_id: str) -> None:
        """Has it kept, once in a while and out of the request's way, when a key was last used."""
        now = self.clock()
        if now < self._mark_after.get(key_id, 0.0):
            return
        self._mark_after[key_id] = now + USE_SECONDS
        self._unmarked.add(key_id)
        if self._marking is None or self._marking.done():
            self._marking = asyncio.create_task(self._mark())

    async def _mark(self) -> None:
        while self._unmarked and not self._is_closed:
            ids, self._unmarked = frozenset(self._unmarked), set()
            try:
                await asyncio.get_running_loop().run_in_executor(self._threads, self._store.mark_used, ids)
            except NOTHING_LASTS as refusal:  # the next use a minute later is kept
                _log.debug("key_use_not_kept", code=refusal.code)

    def close(self) -> None:
        """Begins nothing more, and lets go of the database."""
        self._is_closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._store.close()
