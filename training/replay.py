"""What stands for all that a version knows: rows to repeat while it learns something new, and rows to test it on."""

from pathlib import Path

from models_store.registry import Version
from training import sources
from training.data import DataSet
from training.errors import DataMissing

_DIGITS = tuple("0123456789")


def known(base: Version, data_folder: Path) -> DataSet | None:
    """MNIST for a version that reads digits, where it lies on this machine, otherwise scikit-learn's digits.

    None for a version with other labels or other pictures: the store does not keep what it learned from.
    """
    picture = base.manifest.input
    if base.manifest.labels != _DIGITS or picture.shape != (1, 28, 28) or not picture.finds_writing:
        return None
    if base.manifest.data.source == "bundled":
        return sources.bundled()
    try:
        return sources.mnist(data_folder, download=False)
    except DataMissing:
        return sources.bundled()
