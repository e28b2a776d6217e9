"""ModelPool: which versions are loaded, and which of them each ref means now.

Everything but loading happens on the event loop, so that nothing here needs a lock. A promotion is seen by looking at
the aliases twice a second: the new champion is loaded beside the old one, then the pointer is swapped; requests that
hold the old one finish on it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor

import structlog

from app.errors import NotReady
from app.inference.loaded import LoadedModel
from app.inference.refused import RefusedVersions
from app.telemetry.measures import Measures
from models_store.errors import ManifestMismatch, StoreBusy, StoreError
from models_store.refs import CHALLENGER, CHAMPION, PREVIOUS, Ref
from models_store.registry import Registry, Version

REFRESH_SECONDS = 0.5
_LOAD_SECONDS = 5.0  # a request waits this long for a version that is not loaded yet

_log = structlog.get_logger("digitserve.pool")


class ModelPool:
    """Lives on one event loop, from `running` on."""

    def __init__(
        self,
        registry: Registry,
        load: Callable[[Version], LoadedModel],
        max_loaded: int,
        clock: Callable[[], float] = time.monotonic,
        measures: Measures | None = None,
    ) -> None:
        """`load` takes seconds and runs in a thread of its own; it raises StoreError for a version that can't serve."""
        self._registry = registry
        self._load = load
        self._max_loaded = max_loaded
        self._clock = clock
        self._loaded: dict[tuple[str, int], LoadedModel] = {}  # least recently used first
        self._champions: dict[str, LoadedModel] = {}
        self._why: dict[str, str] = {}  # no version of a model answers
        self._failing: dict[str, str] = {}  # why the aliases of a model can't be followed now
        self._looks = 0  # at aliases, begun
        self._seen: dict[str, int] = {}  # the last look at each model's aliases that was followed
        self._aliases: dict[str, dict[str, int]] = {}  # of the models in `_champions`, as seen last
        self.challengers: dict[str, int] = {}  # of the models in `_champions`, as seen last
        self._held: dict[str, int] = {}  # the challenger of a model, while it has a place
        self._loading: dict[tuple[str, int], asyncio.Task[LoadedModel]] = {}
        self._refused = RefusedVersions(clock, measures or Measures())
        self._loader = ThreadPoolExecutor(1, "load")  # one at a time: loading takes memory and a core

    @contextlib.asynccontextmanager
    async def running(self, name: str) -> AsyncIterator[None]:
        """Loads the champion of `name`, then follows the aliases until the end of the block.

        Where no version of it can serve, that is logged, and whoever asks for it is told the reason.
        """
        try:
            loaded = await self._begin(name)
            _log.info("ready", version=loaded.version.ref, candidate=loaded.model.candidate)
        except (StoreError, OSError) as refusal:
            _log.error("not_ready", model=name, why=str(refusal))
        following = asyncio.create_task(self._follow(name))
        try:
            yield
        finally:
            following.cancel()
            self._loader.shutdown(wait=False, cancel_futures=True)

    @property
    def loaded(self) -> Collection[LoadedModel]:
        """All that are in memory."""
        return self._loaded.values()

    def champion(self, name: str) -> LoadedModel | None:
        """What answers for `name` now, None while nothing does."""
        return self._champions.get(name)

    def why(self, name: str) -> str:
        """Why nothing answers for `name`: a sentence."""
        return self._why.get(name, f"The model {name} is being loaded.")

    def find(self, name: str, number: int) -> LoadedModel | None:
        """A version where it is loaded."""
        return self._loaded.get((name, number))

    def challenger(self, loaded: LoadedModel) -> int | None:
        """The version that reads beside `loaded` where that answers for its model, as its aliases were seen last."""
        name = loaded.version.name
        number = self.challengers.get(name)
        return number if number != loaded.version.number and self._champions.get(name) is loaded else None

    async def hold(self, name: str, number: int) -> LoadedModel | None:
        """The challenger of a model, which stays loaded as long as it is that. None where champions and other
        challengers have all places. Raises what `get` raises."""
        if len(self._fixed() | {(name, number)}) > self._max_loaded:
            self._held.pop(name, None)
            self._evict()
            return None
        self._held[name] = number
        try:
            return await self._get_loaded(name, number, None)
        except StoreError:
            self._held.pop(name, None)
            raise

    async def get(self, ref: Ref) -> LoadedModel:
        """The loaded version of a ref. Raises VersionNotFound, VersionCorrupt, ManifestMismatch, NotReady."""
        if ref.alias == CHAMPION:
            return self._champions.get(ref.name) or await self._first_champion(ref.name)
        number = ref.version or self._aliases.get(ref.name, {}).get(ref.alias or "", 0)
        if (ref.name, number) not in self._loaded:
            number = await asyncio.to_thread(self._registry.number, ref)
        return await self._get_loaded(ref.name, number)

    async def refresh(self, name: str) -> None:
        """Looks at the aliases of `name` now and returns when its champion serves, or was refused."""
        self._looks += 1
        look = self._looks
        aliases = await asyncio.to_thread(self._registry.aliases, name)
        if look < self._seen.get(name, 0):  # a later look was quicker: what this one saw may be over
            aliases = self._aliases.get(name, aliases)
        serving, wanted = self._champions.get(name), aliases.get(CHAMPION)
        if serving is None:
            return
        self._seen[name] = max(look, self._seen.get(name, 0))
        self._aliases[name] = aliases
        self.challengers.pop(name, None)
        if CHALLENGER in aliases:
            self.challengers[name] = aliases[CHALLENGER]
        if self._held.get(name) not in (None, aliases.get(CHALLENGER)):
            del self._held[name]
        if wanted is None or wanted == serving.version.number or self._refused.why(name, wanted):
            return
        with contextlib.suppress(StoreError):  # logged; the one that serves goes on
            loaded = self._loaded.get((name, wanted))
            if loaded is None:
                loaded = await asyncio.shield(self._load_once(name, wanted))
            if self._aliases[name].get(CHAMPION) == wanted:  # it may have moved on meanwhile
                self._champions[name] = loaded
                self._evict()

    async def _follow(self, default: str) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            if default not in self._champions:
                with contextlib.suppress(StoreError, OSError):  # logged when it was looked at
                    await self._begin(default)
            for name in list(self._champions):
                try:
                    await self.refresh(name)
                    self._failing.pop(name, None)
                except (StoreError, OSError) as error:  # an unreadable store: what is loaded goes on serving
                    if self._failing.get(name) != str(error):  # said once, not twice a second
                        _log.error("refresh_failed", model=name, why=str(error))
                    self._failing[name] = str(error)

    async def _begin(self, name: str) -> LoadedModel:
        try:
            return await self._first_champion(name, None)
        except (StoreError, OSError) as refusal:
            self._why[name] = str(refusal) if isinstance(refusal, StoreError) else "The store can't be read."
            raise

    async def _first_champion(self, name: str, seconds: float | None = _LOAD_SECONDS) -> LoadedModel:
        """Loads the champion for the first time; where it is refused, `previous` serves in its place."""
        try:
            loaded = await self._get_loaded(name, await asyncio.to_thread(self._registry.number, Ref(name)), seconds)
        except StoreBusy:  # that passes: no other version has to serve for it
            raise
        except StoreError:
            aliases = await asyncio.to_thread(self._registry.aliases, name)
            if PREVIOUS not in aliases:
                raise
            loaded = await self._get_loaded(name, aliases[PREVIOUS], seconds)
            _log.error("previous_serves", version=loaded.version.ref)
        champion = self._champions.setdefault(name, loaded)
        self._loaded[name, champion.version.number] = champion  # where all places were taken it was let go at once
        self._evict()
        return champion

    async def _get_loaded(self, name: str, number: int, seconds: float | None = _LOAD_SECONDS) -> LoadedModel:
        """The version, from memory, or loaded in a few seconds; the load goes on where that is not enough."""
        loaded = self._loaded.pop((name, number), None)
        if loaded is not None:
            self._loaded[name, number] = loaded  # the most recently used is last
            return loaded
        try:
            return await asyncio.wait_for(asyncio.shield(self._load_once(name, number)), seconds)
        except TimeoutError:
            raise NotReady(
                "loading", f"{name}@{number} is being loaded. Repeat the request in a few seconds."
            ) from None

    def _load_once(self, name: str, number: int) -> asyncio.Task[LoadedModel]:
        """One load per version at a time, whoever waits for it."""
        key = name, number
        if key not in self._loading:
            self._loading[key] = task = asyncio.create_task(self._load_now(name, number))
            task.add_done_callback(lambda done: (self._loading.pop(key), done.cancelled() or done.exception()))
        return self._loading[key]

    async def _load_now(self, name: str, number: int) -> LoadedModel:
        self._refused.check(name, number)
        began = self._clock()
        _log.info("version_loading", version=f"{name}@{number}")
        try:
            loaded = await asyncio.get_running_loop().run_in_executor(self._loader, self._read, name, number)
        except StoreBusy:
            raise
        except StoreError as error:
            self._refused.add(name, number, error)
            raise
        except Exception as error:  # a version that breaks its loader must not end the following of all others
            refusal = ManifestMismatch(f"{name}@{number} could not be loaded. The log says why.")
            self._refused.add(name, number, refusal, broke=error)
            raise refusal from error
        seconds = round(self._clock() - began, 2)
        _log.info("version_loaded", version=loaded.version.ref, candidate=loaded.model.candidate, seconds=seconds)
        self._loaded[name, number] = loaded
        self._evict()
        return loaded

    def _read(self, name: str, number: int) -> LoadedModel:
        return self._load(self._registry.resolve(Ref(name, None, number)))

    def _evict(self) -> None:
        """Forgets the least recently used versions over the limit; challengers go last, and champions stay."""
        fixed = self._fixed()
        held = [key for key in self._held.items() if key in self._loaded and key not in self._champion_keys()]
        spare = [key for key in self._loaded if key not in fixed] + held
        for key in spare[: max(0, len(self._loaded) - self._max_loaded)]:
            del self._loaded[key]
            if key in held:
                del self._held[key[0]]

    def _champion_keys(self) -> set[tuple[str, int]]:
        champions = {(name, loaded.version.number) for name, loaded in self._champions.items()}
        return champions | {(name, aliases.get(CHAMPION, 0)) for name, aliases in self._aliases.items()}

    def _fixed(self) -> set[tuple[str, int]]:
        return self._champion_keys() | set(self._held.items())
