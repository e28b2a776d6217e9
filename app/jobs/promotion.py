"""What becomes of a version at the end of its job: champion or challenger where the job was asked for that, and where
nothing else moved the alias.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.jobs.job import Job, JobSpec
from app.storage.audit import trail
from app.storage.audit.record import What
from models_store.errors import AliasConflict, StoreError, TooManyAliases
from models_store.refs import CHALLENGER, CHAMPION, PREVIOUS, Ref
from models_store.registry import Registry


@dataclass(frozen=True)
class Placed:
    """Where a job's version is now; `said` is a sentence for people."""

    is_champion: bool
    said: str
    in_shadow: bool = False  # it reads unseen beside the champion


class Promoter:
    """Repeating it does no harm: whoever ends a job after a crash asks again."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def promote(self, spec: JobSpec, result: Mapping[str, Any]) -> Placed:
        """Moves an alias to the job's version, or says why not.

        A job is judged against its base. Where another version became the champion meanwhile, or the base never was, a
        person has to compare and to decide; a challenger is compared with whatever serves.
        """
        made = str(result["version"])
        version, base = Ref.parse(made), Ref.parse(spec.base)
        by_hand = f"Compare them and promote {made} by hand if you like it."
        try:
            aliases = self._registry.aliases(version.name)
        except (StoreError, OSError):
            return Placed(False, f"The aliases of {version.name} can't be read, so nothing was promoted. {by_hand}")
        champion = aliases.get(CHAMPION)
        serves = f"{version.name}@{champion} goes on serving" if champion else f"no version of {version.name} serves"
        if champion == version.version:
            return Placed(True, f"{made} is the champion of {version.name}.")
        if not result.get("accepted"):
            return Placed(False, f"{made} was rejected by the gate, so {serves}.")
        if spec.promote == "never":
            return Placed(False, f"{made} waits to be promoted; {serves}.")
        if aliases.get(PREVIOUS) == version.version:  # a number is new: an earlier attempt of this job promoted it
            return Placed(False, f"{made} was the champion, and somebody rolled it back meanwhile; {serves}.")
        if spec.promote == "shadow":
            return self._beside(version, aliases, by_hand)
        if base.name != version.name or base.version != champion:
            return Placed(
                False, f"The champion is {version.name}@{champion}, not the job's base {spec.base}. {by_hand}"
            )
        try:
            assert version.version is not None, "a result names a version by its number"
            self._registry.promote(version.name, version.version, expected=champion)
        except AliasConflict:
            return Placed(False, f"The champion of {version.name} was changed at the same moment. {by_hand}")
        except (StoreError, OSError):
            return Placed(False, f"{made} could not be promoted. {by_hand}")
        return Placed(True, f"{made} is the champion now; {version.name}@{champion} is previous.")

    def _beside(self, version: Ref, aliases: Mapping[str, int], by_hand: str) -> Placed:
        """Makes the version the challenger, in the place of one that is there."""
        assert version.version is not None, "a result names a version by its number"
        name, champion, before = version.name, aliases.get(CHAMPION), aliases.get(CHALLENGER)
        made = f"{name}@{version.version}"
        try:
            if before != version.version:
                self._registry.promote(name, version.version, expected=before, alias=CHALLENGER)
        except AliasConflict:
            return Placed(False, f"The challenger of {name} was changed at the same moment. {by_hand}")
        except TooManyAliases as refusal:
            return Placed(False, f"{refusal} {made} can't be the challenger before. {by_hand}")
        except (StoreError, OSError):
            return Placed(False, f"{made} could not be made the challenger. {by_hand}")
        gone = f", in the place of {name}@{before}" if before not in (None, version.version) else ""
        return Placed(False, f"{made} reads unseen beside the champion {name}@{champion} now{gone}.", in_shadow=True)


def note(connection: Connection, job: Job) -> None:
    """Notes in the audit log which version a job has made, in the transaction in which it succeeds: also where that is
    the first one of its model, which its training made the champion itself."""
    result = job.result or {}
    told = {name: bool(result.get(name)) for name in ("accepted", "promoted", "in_shadow")}
    trail.write(connection, What.VERSION_MADE, str(result["version"]), {"job": job.id, "base": job.spec.base, **told})
