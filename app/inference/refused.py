"""Versions that could not be loaded: remembered for a while, so that not every request tries again, and counted."""

from collections.abc import Callable

import structlog

from app.telemetry.instruments import OTHER
from app.telemetry.measures import Measures
from models_store.errors import ManifestMismatch, StoreError, VersionCorrupt, VersionNotFound

RETRY_SECONDS = 30.0  # it is looked at again after this long: it may have been restored
_CODES = {  # as problems have them
    VersionCorrupt: "version_corrupt", ManifestMismatch: "version_unusable", VersionNotFound: "model_not_found",
}  # fmt: skip


_log = structlog.get_logger("digitserve.pool")


class RefusedVersions:
    """By name and number."""

    def __init__(self, clock: Callable[[], float], measures: Measures) -> None:
        self._clock = clock
        self._measures = measures
        self._refused: dict[tuple[str, int], tuple[float, StoreError]] = {}

    def add(self, name: str, number: int, why: StoreError, *, broke: Exception | None = None) -> None:
        """It was refused now; `broke` is what nobody foresaw of it."""
        self._refused[name, number] = self._clock() + RETRY_SECONDS, why
        code = next((code for kind, code in _CODES.items() if isinstance(why, kind)), OTHER)
        self._measures.versions_refused.add((f"{name}@{number}", code))
        if broke is None:
            _log.error("version_refused", version=f"{name}@{number}", why=str(why))
        else:
            _log.error("version_refused", version=f"{name}@{number}", exc_info=broke)

    def why(self, name: str, number: int) -> StoreError | None:
        """Why one was refused lately; None where it may be tried."""
        until, refusal = self._refused.get((name, number), (0.0, None))
        return refusal if self._clock() < until else None

    def check(self, name: str, number: int) -> None:
        """Raises why one was refused lately."""
        refusal = self.why(name, number)
        if refusal is not None:
            raise refusal
