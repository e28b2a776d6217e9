"""What is known of a challenger in shadow, as frozen records."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.shadow.mcnemar import Labels

if TYPE_CHECKING:
    from models_store.pictures.stripped import Stripped


class Phase(StrEnum):
    """Where a comparison is. The first two go on until they have ended."""

    COLLECTING = "collecting"
    PROMOTED = "promoted"  # the challenger became the champion; the one before reads beside it
    ROLLED_BACK = "rolled_back"
    ENDED = "ended"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Pair:
    """Two versions of one model: `champion` answers, `challenger` reads beside it."""

    model: str
    champion: int
    challenger: int

    def ref(self, number: int) -> str:
        """`digits@2`"""
        return f"{self.model}@{number}"


@dataclass(frozen=True)
class Shadow:
    """One row. Times are Unix seconds of the database's clock."""

    id: str
    pair: Pair
    phase: Phase
    created_at: float
    ended_at: float | None
    compared: int  # pictures that both have read
    differed: int  # those that they read otherwise
    labels: Labels
    why: str | None

    @property
    def is_active(self) -> bool:
        """Whether pictures are still compared for it."""
        return self.ended_at is None


@dataclass(frozen=True)
class Readings:
    """What both versions said of one picture, and how sure they were."""

    champion_label: str
    challenger_label: str
    champion_confidence: float
    challenger_confidence: float


@dataclass(frozen=True)
class Difference:
    """A picture to be kept that two versions read otherwise, without metadata."""

    reading: Readings
    stripped: "Stripped"
    client: str = ""  # who sent it; only a crowd of clients is written down


@dataclass(frozen=True)
class Question:
    """A picture that waits for a person's label. `labels` are those of the two versions, in random order."""

    id: str
    labels: tuple[str, str]
