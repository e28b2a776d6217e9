"""Promotion at the end of a job: moves the champion alias where the job was asked to and nothing else moved it."""

from collections.abc import Mapping
from typing import Any

from app.jobs.job import JobSpec
from models_store.errors import AliasConflict, StoreError
from models_store.refs import CHAMPION, PREVIOUS, Ref
from models_store.registry import Registry


class Promoter:
    """Repeating it does no harm: whoever ends a job after a crash asks again."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def promote(self, spec: JobSpec, result: Mapping[str, Any]) -> tuple[bool, str]:
        """Whether the job's version is its model's champion now, and a sentence for people (empty: nothing to say).

        A job is judged against its base. Where another version became the champion meanwhile, or the base never was, a
        person has to compare and to decide.
        """
        made = str(result["version"])
        version, base = Ref.parse(made), Ref.parse(spec.base)
        by_hand = f"Compare them and promote {made} by hand if you like it."
        try:
            aliases = self._registry.aliases(version.name)
        except (StoreError, OSError):
            return False, f"The aliases of {version.name} can't be read, so nothing was promoted. {by_hand}"
        champion = aliases.get(CHAMPION)
        serves = f"{version.name}@{champion} goes on serving" if champion else f"no version of {version.name} serves"
        if champion == version.version:
            return True, f"{made} is the champion of {version.name}."
        if not result.get("accepted"):
            return False, f"{made} was rejected by the gate, so {serves}."
        if not spec.promote:
            return False, f"{made} waits to be promoted; {serves}."
        if aliases.get(PREVIOUS) == version.version:  # a number is new: an earlier attempt of this job promoted it
            return False, f"{made} was the champion, and somebody rolled it back meanwhile; {serves}."
        if base.name != version.name or base.version != champion:
            return False, f"The champion is {version.name}@{champion}, not the job's base {spec.base}. {by_hand}"
        try:
            assert version.version is not None, "a result names a version by its number"
            self._registry.promote(version.name, version.version, expected=champion)
        except AliasConflict:
            return False, f"The champion of {version.name} was changed at the same moment. {by_hand}"
        except (StoreError, OSError):
            return False, f"{made} could not be promoted. {by_hand}"
        return True, f"{made} is the champion now; {version.name}@{champion} is previous."
