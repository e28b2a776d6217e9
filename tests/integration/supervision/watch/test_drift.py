"""Drift of a real version that reads real digits: nothing is told while they stay what they are, and what is told when
they change."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.inference.verdict import is_out_of_distribution
from app.telemetry.drift.compare import Rule, Signal
from app.telemetry.drift.course import Course
from app.telemetry.drift.tally import Tally
from models_store.model import Model, predict_all
from models_store.refs import Ref
from models_store.registry import Registry
from training.data import rows, sources

RULE = Rule()
Digits = NDArray[np.uint8]  # [N, 1, 28, 28]


class Readings:
    """What a version says of each of some pictures; windows are drawn from that."""

    def __init__(self, registry: Registry, pixels: Digits) -> None:
        version = registry.resolve(Ref("digits"))
        manifest, calibration = version.manifest, version.manifest.calibration
        every = predict_all(Model.load(version.folder, manifest), pixels)
        self.labels = np.array(manifest.labels)[every.argmax(1)]
        foreign = np.array([is_out_of_distribution(row, calibration) for row in every.tolist()])
        self.uncertain = (every.max(1) < calibration.threshold) | foreign

    def window(self, rng: np.random.Generator, readings: int, label: str | None = None) -> Tally:
        """So many at random, perhaps of one label only."""
        which = np.arange(len(self.labels)) if label is None else np.flatnonzero(self.labels == label)
        chosen = rng.choice(which, readings)
        names, counts = np.unique(self.labels[chosen], return_counts=True)
        labels = dict(zip(names.tolist(), counts.tolist(), strict=True))
        return Tally(readings, int(self.uncertain[chosen].sum()), labels)


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> Digits:
    pixels, _ = rows.as_numpy(sources.mnist(data_dir).test)
    return np.ascontiguousarray(pixels[:3000])


def begun(readings: Readings, rng: np.random.Generator) -> tuple[Course, Tally, float]:
    """A course with its baseline, all that it has read, and the time."""
    course, total = Course(RULE), Tally()
    for minute in range(12):
        total = total.plus(readings.window(rng, 500))
        course.look(total, 60.0 * minute)
    assert course.has_baseline
    return course, total, 60.0 * 12


def test_the_same_digits_are_quiet_over_a_hundred_windows(
    registry: Registry, digits: Digits, rng: np.random.Generator
) -> None:
    readings = Readings(registry, digits)
    course, total, now = begun(readings, rng)
    for window in range(100):
        total = total.plus(readings.window(rng, 500))
        assert not course.look(total, now + 60.0 * window)
    assert str(course.state) == "steady"


def test_only_sevens_and_then_another_kind_of_picture(
    registry: Registry, digits: Digits, rng: np.random.Generator
) -> None:
    readings = Readings(registry, digits)
    course, total, now = begun(readings, rng)
    for window in range(2):
        total = total.plus(readings.window(rng, 500, "7"))
        said = course.look(total, now + 60.0 * window)
    assert said == {Signal.LABELS} == course.told
    lying = Readings(registry, np.ascontiguousarray(np.rot90(digits, axes=(2, 3))))
    assert lying.uncertain.mean() > readings.uncertain.mean() + 0.1, "sheets that lie on their side"
    for window in range(2, 4):
        total = total.plus(lying.window(rng, 500))
        said = course.look(total, now + 60.0 * window)
    assert said == {Signal.UNCERTAIN}
    assert Signal.UNCERTAIN in course.told
