"""Challengers in shadow: a store with several versions, what keeps their rows and pictures, and pictures to keep."""

from dataclasses import dataclass
from pathlib import Path

from app.shadow.keeper import ShadowKeeper
from app.shadow.mcnemar import Labels
from app.shadow.record import Difference, Pair, Phase, Readings, Shadow
from app.shadow.sample import Sample
from app.storage.db import Database
from models_store.pictures.stripped import strip
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.pictures import png
from tests.support.uploading import lying_in
from tests.unit.models_store.datasets.test_clean import unit

READING = Readings("3", "5", 0.75, 0.875)
PAIR = Pair("digits", 1, 2)


def shadow(labels: Labels = Labels(), phase: Phase = Phase.COLLECTING, pair: Pair = PAIR) -> Shadow:  # noqa: B008 (frozen)
    """One that goes on, as a row of its own would say."""
    return Shadow("shadow-1", pair, phase, 0.0, None, 10, 5, labels, None)


def difference(seed: int, reading: Readings = READING) -> Difference:
    """A picture of its own for each seed."""
    return Difference(reading, strip(png(unit(seed))))


@dataclass
class Stage:
    """A store with digits@1 as the champion and two more, and all that keeps a challenger."""

    registry: Registry
    database: Database
    sample: Sample
    keeper: ShadowKeeper
    folder: Path

    @classmethod
    def of(cls, registry: Registry, database: Database, folder: Path, most: int = 500) -> "Stage":
        """Over any database and folder."""
        for _ in range(3 - len(registry.versions("digits"))):
            republished(registry)
        sample = Sample(database, folder, most, spare_bytes=0)
        return cls(registry, database, sample, ShadowKeeper(registry, database, sample), folder / "shadow")

    def challenge(self, number: int = 2) -> Shadow:
        """Makes a version the challenger; the comparison that begins."""
        before = self.registry.aliases("digits").get("challenger")
        self.registry.promote("digits", number, expected=before, alias="challenger")
        return self.look()

    def look(self) -> Shadow:
        """The comparison that there is."""
        found = self.keeper.look("digits")
        assert found is not None
        return found

    def differ(self, count: int, reading: Readings = READING, first: int = 0) -> None:
        """So many pictures are read otherwise."""
        for seed in range(first, first + count):
            rank = self.sample.drawn(self.look())
            if rank is not None:
                self.sample.add(self.look(), difference(seed, reading), rank)

    def label(self, label: str, count: int) -> Shadow:
        """A person says this of so many pictures, as they are shown, or of fewer where it is decided before."""
        for _ in range(count):
            found = self.look()
            questions, _ = self.sample.sheet(found)
            if not questions:
                break
            self.keeper.label("digits", questions[0].id, label)
        return self.look()

    def left(self) -> list[str]:
        """The ids whose bytes are there."""
        return lying_in(self.folder)

    def aliases(self) -> dict[str, int]:
        """Where they are."""
        return self.registry.aliases("digits")
