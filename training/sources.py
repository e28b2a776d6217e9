"""Data sets by name: MNIST's files, the bundled digits, a person's own files. It knows no net and no training."""

from pathlib import Path

import numpy as np
import torch

from models_store.specs import DataSpec
from training.data import DataSet, Rows
from training.errors import DataMissing
from training.vision import torchvision

_BUNDLED_TEST_ROWS = 360  # a fifth, as in scikit-learn's own example for this set


def load(spec: DataSpec, folder: Path) -> DataSet:
    """The data set that a recipe names. Raises DataMissing where it is not on this machine."""
    return mnist(folder) if spec.source == "mnist" else bundled()


def mnist(folder: Path) -> DataSet:
    """MNIST (LeCun, Cortes and Burges): 60,000 training and 10,000 test pictures from `folder`/MNIST/raw.

    Missing files are downloaded there by torchvision where the network allows. Raises DataMissing otherwise.
    """
    datasets = torchvision().datasets
    try:
        train, test = (datasets.MNIST(str(folder), train=part, download=True) for part in (True, False))
    except (OSError, RuntimeError, ValueError, AssertionError):
        raise DataMissing(
            f"MNIST is not in {folder / 'MNIST' / 'raw'} and could not be downloaded: put the four files "
            "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte there "
            "(unpacked), or set DIGITSERVE_DATA_DIR to the folder that holds MNIST/raw."
        ) from None
    rows = [Rows(part.data[:, None], part.targets.long()) for part in (train, test)]
    return DataSet(rows[0], rows[1], tuple("0123456789"), "mnist")


def bundled() -> DataSet:
    """The 1,797 digits of 43 writers that come with scikit-learn (the test part of UCI's "Optical Recognition of
    Handwritten Digits"), in its order: the last 360 are the test, by other writers than the first.

    8x8 pixels of 0..16, enlarged bicubically to 20x20 in the middle of 28x28, which is MNIST's own layout.
    """
    from sklearn.datasets import load_digits  # a second to import: only who asks for it pays

    pixels, labels = load_digits(return_X_y=True)
    small = torch.from_numpy(np.asarray(pixels, np.float32)).view(-1, 1, 8, 8) * (255 / 16)
    large = torch.nn.functional.interpolate(small, size=(20, 20), mode="bicubic", align_corners=False)
    pictures = torch.nn.functional.pad(large, (4, 4, 4, 4)).round().clamp(0, 255).to(torch.uint8)
    rows = Rows(pictures, torch.from_numpy(np.asarray(labels, np.int64)))
    cut = len(rows) - _BUNDLED_TEST_ROWS
    return DataSet(rows[:cut], rows[cut:], tuple("0123456789"), "bundled")
