"""What stands for all that a version knows: rows to repeat while it learns something new, and rows to test it on."""

import dataclasses
import functools
import hashlib
from pathlib import Path

import torch

from models_store.registry import Version
from models_store.specs import AugmentSpec
from training.data import sources
from training.data.rows import DIGITS, OUTLIER, DataSet, Rows, join
from training.errors import DataMissing
from training.fit.augment import bend
from training.synthetic import handwriting
from training.synthetic.kept import kept
from training.synthetic.outliers.mixture import outliers

_KNOWN = 1500  # rows; they are in random order
_REMINDERS, _JUDGES = 1000, 4000  # drawings: a quarter of a second a thousand
_OUTLIERS = 600  # pictures of no digit
# Bent so far that the shipped version misreads one in twenty: what it was never sure of is lost first.
_FAR = AugmentSpec(rotate_degrees=20, log_scale=0.25, shear=0.35, shift_pixels=2.5, elastic_pixels=1.6)


def known(base: Version, data_folder: Path, drawings: Path | None = None) -> DataSet | None:
    """MNIST for a version that reads digits, where it lies on this machine, otherwise scikit-learn's digits, with
    drawings to test by: its loss on these goes with its loss on MNIST, that on digits like the repeated ones does not.

    None for a version with other labels or other pictures: the store does not keep what it learned from. With a folder
    for `drawings`, they are kept there.
    """
    picture = base.manifest.input
    if base.manifest.labels != DIGITS or picture.shape != (1, 28, 28) or not picture.finds_writing:
        return None
    if base.manifest.data.source == "bundled":
        return sources.bundled()
    try:
        return sources.mnist(data_folder, download=False)
    except DataMissing:
        bundled = sources.bundled()
        return dataclasses.replace(bundled, test=_judges(drawings))


def reminders(known: DataSet, base: Version, drawings: Path | None = None) -> Rows:
    """Rows to repeat while a version learns: of the known ones, of scikit-learn's digits, and drawn handwriting; and
    pictures of no digit, where the base is unsure of them.

    With MNIST's alone, 20 digits of Semeion teach a point less.
    """
    rows = join(remembered(known), _drawn(_REMINDERS, 1, drawings))
    if base.manifest.calibration.plausible > 0:
        digits = known.train.pictures[:_KNOWN].numpy()
        name = f"outliers-{hashlib.sha256(digits.tobytes()).hexdigest()[:16]}"
        none = kept(drawings, name, lambda: outliers(_OUTLIERS, seed=3, digits=digits))
        rows = join(rows, Rows(torch.from_numpy(none), torch.full((_OUTLIERS,), OUTLIER)))
    return rows


def remembered(known: DataSet) -> Rows:
    """The reminders that are no drawings."""
    bundled = sources.bundled().train
    return bundled if known.source == "bundled" else join(known.train[:_KNOWN], bundled)


def repeated(rows: Rows, least: int) -> Rows:
    """The rows as often as `least` of them need, all equally often: an epoch of two batches teaches little."""
    times = max(1, round(least / len(rows)))
    return join(*[rows] * times)


@functools.cache  # a second, for those who fine-tune often in one process
def _judges(drawings: Path | None) -> Rows:
    return _bent(_drawn(_JUDGES, 2, drawings))


@functools.cache
def _drawn(count: int, seed: int, drawings: Path | None) -> Rows:
    drawn = kept(drawings, f"handwriting{seed}-{count}", lambda: handwriting.pictures(count, seed))
    return Rows(torch.from_numpy(drawn), torch.arange(count) % len(DIGITS))


def _bent(rows: Rows) -> Rows:
    """The same rows every time, whatever was drawn at random before; and what comes after draws as it would have."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        pictures = torch.cat([bend(part.float() / 255, _FAR) for part in rows.pictures.split(500)])
    return Rows((255 * pictures).round().to(torch.uint8), rows.labels)
