"""AuditedRegistry: a store whose aliases nobody moves without an entry in the audit log.

Versions that a training publishes itself are none of its matter: `training` knows no database, and the job's end has an
entry of its own.
"""

from app.storage.audit.record import Details, What
from app.storage.audit.trail import Trail
from models_store.refs import CHAMPION
from models_store.registry import Registry


class AuditedRegistry(Registry):
    """Every move of an alias is announced and concluded; it blocks for the database, however that does."""

    def __init__(self, registry: Registry, trail: Trail) -> None:
        super().__init__(registry.root)
        self._trail = trail

    def promote(self, name: str, version: int, *, expected: int | None, alias: str = CHAMPION) -> dict[str, int]:
        """As Registry's."""
        with self._trail.around(*moved(name, version, expected, alias)):
            return super().promote(name, version, expected=expected, alias=alias)

    def rollback(self, name: str) -> dict[str, int]:
        """As Registry's."""
        with self._trail.around(What.ROLLED_BACK, name) as told:
            aliases = super().rollback(name)
            told |= aliases
            return aliases

    def unalias(self, name: str, alias: str, *, expected: int) -> dict[str, int]:
        """As Registry's."""
        with self._trail.around(What.ALIAS_REMOVED, f"{name}@{alias}", {"version": expected}):
            return super().unalias(name, alias, expected=expected)


def moved(name: str, version: int, expected: int | None, alias: str) -> tuple[What, str, Details]:
    """What an entry says of an alias that moves: the act, its target, its details."""
    what = What.PROMOTED if alias == CHAMPION else What.ALIAS_SET
    return what, f"{name}@{version}", {"alias": alias, "before": expected}
