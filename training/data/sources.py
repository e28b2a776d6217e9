"""Data sets by name: MNIST's files, the bundled digits, a person's own files."""

import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models_store.datasets.archive import ArchiveLimits
from models_store.datasets.clean import Cleaned, CleaningReport, clean
from models_store.datasets.formats import read
from models_store.datasets.rows import Refused, Row
from models_store.errors import DataSetRejected, RecipeRejected
from models_store.specs import DataSpec, InputSpec
from training.data.rows import DataSet, Rows, split
from training.data.torchvision import torchvision
from training.errors import DataMissing

_BUNDLED_TEST_ROWS = 360  # a fifth, as in scikit-learn's own example for this set
_DIGITS = tuple("0123456789")
_LEAST = 5  # pictures of each label: four to learn from, one to test
_SHOWN = 5  # rows and labels that a refusal names
_PARTS, _IDX = ("train", "t10k"), {"images-idx3-ubyte": 3, "labels-idx1-ubyte": 1}  # and their axes
_OWN_LIMITS = ArchiveLimits(max_entries=1_000_000, max_expanded_bytes=16 * 2**30)  # of people's own machines


def load(spec: DataSpec, picture: InputSpec, folder: Path, seed: int) -> DataSet:
    """The data set that a recipe names, as pictures of `picture`'s shape; `folder` is where MNIST lies.

    Raises DataMissing where it is not on this machine, DataSetRejected where a person's files can't be used, and
    RecipeRejected where the recipe names none or wants other pictures than the data set has.
    """
    if spec.source == "files":
        if not spec.path:
            raise RecipeRejected("The recipe learns from your own files: pass --data with a folder or a file.")
        return files(Path(spec.path), picture, spec.test_share, seed)
    if picture.shape != (1, 28, 28) or not picture.finds_writing:
        raise RecipeRejected(
            f"{spec.source} has grey pictures of 28x28 pixels: set input.channels to 1, input.height and .width to 28 "
            'and input.preparation to "writing", or take source = "files" and pass --data with pictures of your own.'
        )
    return mnist(folder) if spec.source == "mnist" else bundled()


def files(path: Path, picture: InputSpec, test_share: float, seed: int) -> DataSet:
    """A person's own labelled files (`models_store.datasets.formats` says which), `test_share` of each label its test.

    Labels that are numbers come first, by value, then the others by their letters. Rows are in random order. Raises
    DataSetRejected where the files can't be used, and as `too_few_examples` for less than 2 labels or less than 5
    pictures of one.
    """
    cleaned = clean(read(path, _OWN_LIMITS), picture)
    counts = Counter(cleaned.labels)
    labels = tuple(sorted(counts, key=_naturally))
    if len(labels) < 2:
        raise DataSetRejected("too_few_examples", f"Pictures of two labels or more are needed. {cleaned.report}")
    short = {label: _LEAST - counts[label] for label in labels if counts[label] < _LEAST}
    if short:
        missing = ", ".join(f"{count} of {label!r}" for label, count in short.items())
        raise DataSetRejected("too_few_examples", f"Each label needs {_LEAST} pictures: add at least {missing}.")
    rest, test = split(_rows(cleaned, labels), test_share, seed)
    return DataSet(rest, test, labels, f"files: {path.resolve().name}", cleaned.report)


def labelled(path: Path, picture: InputSpec, labels: tuple[str, ...]) -> tuple[Rows, CleaningReport]:
    """A person's own files for a version that has its labels already, in the files' order.

    Raises DataSetRejected where the files can't be used: as `label_unknown` where a row has another label, and as
    `too_few_examples` where no picture is usable.
    """
    wheres_of: dict[str, list[str]] = {}
    cleaned = clean(_noted(read(path, _OWN_LIMITS), labels, wheres_of), picture)
    usable = set(cleaned.labels)
    unknown = {label: wheres for label, wheres in wheres_of.items() if label in usable}
    if unknown:
        wheres = [where for rows in unknown.values() for where in rows][:_SHOWN]
        raise DataSetRejected(
            "label_unknown",
            f"The version does not know {_listed([repr(label) for label in sorted(unknown, key=_naturally)])}, as in "
            f"{', '.join(wheres)}: correct these rows, or train a model of its own on these labels.",
        )
    if not cleaned.labels:
        raise DataSetRejected("too_few_examples", f"No picture can be used. {cleaned.report}")
    return _rows(cleaned, labels), cleaned.report


def _noted(
    rows: Iterable[Row | Refused], labels: tuple[str, ...], wheres_of: dict[str, list[str]]
) -> Iterator[Row | Refused]:
    """All rows; notes by the way where the first ones with each other label are. Only usable ones will count."""
    for row in rows:
        if isinstance(row, Row) and row.label not in labels:
            wheres = wheres_of.setdefault(row.label, [])
            if len(wheres) < _SHOWN:
                wheres.append(row.where)
        yield row


def _rows(cleaned: Cleaned, labels: tuple[str, ...]) -> Rows:
    numbers = {label: number for number, label in enumerate(labels)}
    return Rows(
        torch.from_numpy(cleaned.pictures),
        torch.tensor([numbers[label] for label in cleaned.labels], dtype=torch.int64),
    )


def _naturally(label: str) -> tuple[int, int, str]:
    is_number = label.isascii() and label.isdigit()
    return (0, int(label), label) if is_number else (1, 0, label)


def _listed(words: list[str]) -> str:
    more = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {more:,} more labels" if more > 0 else "")


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
    return DataSet(train, test, _DIGITS, "mnist")


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
    return DataSet(rows[:cut], rows[cut:], _DIGITS, "bundled")


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
