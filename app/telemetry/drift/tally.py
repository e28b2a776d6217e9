"""What a version has said, counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tally:
    """Readings of one version: how many, of how many it was unsure, and how many have which label."""

    readings: int = 0
    uncertain: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)

    @property
    def uncertain_share(self) -> float:
        """Of the readings; 0 where there are none."""
        return self.uncertain / self.readings if self.readings else 0.0

    def share(self, label: str) -> float:
        """Of the readings that have that label; 0 where there are none."""
        return self.labels.get(label, 0) / self.readings if self.readings else 0.0

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return self._with(other, 1)

    def since(self, before: "Tally") -> "Tally":
        """What has come after `before`; nothing where that has more: it was counted anew meanwhile."""
        return self._with(before, -1) if self.readings >= before.readings else Tally()

    def _with(self, other: "Tally", sign: int) -> "Tally":
        names = {**self.labels, **other.labels}
        labels = {name: max(0, self.labels.get(name, 0) + sign * other.labels.get(name, 0)) for name in names}
        readings, uncertain = self.readings + sign * other.readings, self.uncertain + sign * other.uncertain
        return Tally(readings, max(0, uncertain), {name: count for name, count in labels.items() if count})
