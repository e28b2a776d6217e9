"""Data sets by name: MNIST's files, the bundled digits, a person's own files."""

import importlib.util
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models_store.datasets.splits import judging_part
from models_store.errors import RecipeRejected
from models_store.specs import DataSpec, InputSpec
from training.data import parts
from training.data.rows import DIGITS, DataSet, Rows, shuffled, split
from training.data.torchvision import torchvision
from training.errors import DataMissing

_BUNDLED_TEST_ROWS = 360  # a fifth, as in scikit-learn's own example for this set
_PARTS, _IDX = ("train", "t10k"), {"images-idx3-ubyte": 3, "labels-idx1-ubyte": 1}  # and their axes


def load(spec: DataSpec, picture: InputSpec, folder: Path, seed: int, tell: parts.Tell = parts.unheard) -> DataSet:
    """The data set that a recipe names, as pictures of `picture`'s shape; `folder` is where MNIST lies. `tell` hears
    what there is to say of a person's files.

    Raises DataMissing where it is not on this machine, DataSetRejected where a person's files can't be used, and
    RecipeRejected where the recipe names none or wants other pictures than the data set has.
    """
    if spec.source == "files":
        if not spec.path:
            raise RecipeRejected("The recipe learns from your own files: pass --data with a folder or a file.")
        return files(Path(spec.path), picture, spec.test_share, seed, spec.validation, spec.test, tell)
    if picture.shape != (1, 28, 28) or not picture.finds_writing:
        raise RecipeRejected(
            f"{spec.source} has grey pictures of 28x28 pixels: set input.channels to 1, input.height and .width to 28 "
            'and input.preparation to "writing", or take source = "files" and pass --data with pictures of your own.'
        )
    return mnist(folder) if spec.source == "mnist" else bundled()


def files(
    path: Path,
    picture: InputSpec,
    test_share: float,
    seed: int,
    validation: str = "",
    test: str = "",
    tell: parts.Tell = parts.unheard,
) -> DataSet:
    """A person's own labelled files (`models_store.datasets.formats` says which). Parts that they have, or that
    `validation` and `test` name as `parts.judges` says, only judge; without a test, `test_share` of each label is it.

    Rows are in random order. Raises DataSetRejected where the files can't be used, and as `too_few_examples` for less
    than 2 labels or less than 5 pictures of one.
    """
    own = parts.own(path, picture)
    divided = parts.apart(own, picture, {"validation": validation, "test": test}, tell)
    own.check_labels(divided.train, divided.left_out)
    train, found = divided.train, divided.judges
    if "test" in found:
        train, given = shuffled(train, seed), found["test"]
    else:
        train, given = split(train, test_share, seed)
    watching = parts.without(found["validation"], given) if "validation" in found else None
    return DataSet(train, given, own.labels, f"files: {path.resolve().name}", watching)


def labelled(path: Path, picture: InputSpec, labels: tuple[str, ...], tell: parts.Tell = parts.unheard) -> Rows:
    """A person's own files to judge a version by that has its labels already, in the files' order: of files with parts
    the test, otherwise the validation. `tell` hears what became of the files, and which part it is. Raises what
    `parts.labelled` raises."""
    own = parts.labelled(path, picture, labels)
    part = judging_part(own.rows, "test")
    if not own.report.is_plain:
        tell(str(own.report))
    if own.report.per_split:
        tell(f"Judged by the part {part} ({len(own.rows[part]):,} pictures).")
    return own.rows[part]


def mnist(folder: Path, download: bool = True) -> DataSet:
    """MNIST (LeCun, Cortes and Burges): 60,000 training and 10,000 test pictures from `folder`/MNIST/raw.

    Missing files are downloaded there by torchvision where the network and `download` allow. Raises DataMissing where
    they are not there then.
    """
    raw = folder / "MNIST" / "raw"
    try:
        if download and not all((raw / f"{part}-{what}").is_file() for part in _PARTS for what in _IDX):
            for part in (True, False):  # its import takes two seconds, and reading takes no library
                torchvision().datasets.MNIST(str(folder), train=part, download=True)
        train, test = (_idx_rows(raw, part) for part in _PARTS)
    except (OSError, RuntimeError, ValueError):
        raise DataMissing(
            f"MNIST is not in {raw} and could not be downloaded: put the four files "
            "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte there "
            "(unpacked), or set DIGITSERVE_DATA_DIR to the folder that holds MNIST/raw."
        ) from None
    return DataSet(train, test, DIGITS, "mnist")


def _idx_rows(raw: Path, part: str) -> Rows:
    pictures, labels = (_idx(raw / f"{part}-{what}", axes) for what, axes in _IDX.items())
    if len(pictures) != len(labels):
        raise ValueError(part)
    return Rows(pictures, labels)


def _idx(path: Path, axes: int) -> torch.Tensor:
    """Pictures as uint8 [N, 1, H, W], or labels as int64 [N], in the format that MNIST's page describes. Raises
    ValueError for another, OSError."""
    data = np.fromfile(path, np.uint8)
    head = 4 * (1 + axes)
    magic, *shape = data[:head].view(">u4").tolist() if len(data) >= head else [0]
    if magic != 0x800 + axes or not shape[0]:
        raise ValueError(path.name)
    values = torch.from_numpy(data[head:].reshape(shape))
    return values[:, None] if axes > 1 else values.long()


def bundled() -> DataSet:
    """The 1,797 digits of 43 writers that come with scikit-learn (the test part of UCI's "Optical Recognition of
    Handwritten Digits"), in its order: the last 360 are the test, by other writers than the first.

    8x8 pixels of 0..16, enlarged bicubically to 20x20 in the middle of 28x28, which is MNIST's own layout.
    """
    pixels, labels = _small_digits()
    small = torch.from_numpy(np.asarray(pixels, np.float32)).view(-1, 1, 8, 8) * (255 / 16)
    large = torch.nn.functional.interpolate(small, size=(20, 20), mode="bicubic", align_corners=False)
    pictures = torch.nn.functional.pad(large, (4, 4, 4, 4)).round().clamp(0, 255).to(torch.uint8)
    rows = Rows(pictures, torch.from_numpy(np.asarray(labels, np.int64)))
    cut = len(rows) - _BUNDLED_TEST_ROWS
    return DataSet(rows[:cut], rows[cut:], DIGITS, "bundled")


def _small_digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """scikit-learn's table, read where it lies: importing the library around it takes a second."""
    package = importlib.util.find_spec("sklearn")
    table = Path(package.origin if package and package.origin else "").parent / "datasets" / "data" / "digits.csv.gz"
    if not table.is_file():  # another release keeps it elsewhere
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        return pixels, labels
    rows = np.loadtxt(table, delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(np.int64)
