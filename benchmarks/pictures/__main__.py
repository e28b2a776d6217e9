"""What people's pictures are read as: right or wrong, how sure, how quickly.

    .venv/bin/python -m benchmarks.pictures [REF] [--store DIR] [--seed N] [--plot FILE]
    .venv/bin/python -m benchmarks.pictures [REF] [--store DIR] --people FOLDER [--json] [--wrong FILE.html]
    .venv/bin/python -m benchmarks.pictures [REF] [--store DIR] --shapes

(MNIST, and Semeion where it is, in DIGITSERVE_DATA_DIR; three minutes.) The photographs, scans and drawings are those
of `benchmarks.camera`: MNIST's test digits in pictures of another kind than `training.synthetic.photos` draws. Nothing
was trained or calibrated on them, and the default seed was never used before the figures in docs/benchmarks.md.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from app.inference import verdict
from benchmarks import semeion
from benchmarks.camera import scene
from benchmarks.pictures import curve, people, shapes
from models_store.machine import cores
from models_store.manifest import Manifest
from models_store.model import Model, predict_all
from models_store.pictures.decode import DRAFT_SIDE, colour_of, decoded, grey_of, open_picture, to_png
from models_store.pictures.prepare import Prepared, prepare, prepare_opened
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from models_store.specs import InputSpec
from training.data import rows, sources
from training.errors import DataMissing
from training.judge.score import Score, metrics

SEED, PICTURES = 2613, 2000
_LARGE = "large_photo"  # a kind by itself: twelve megapixels
_MOST = 16_000_000  # pixels
Grey = NDArray[np.uint8]


def main() -> int:
    """Prints all figures. Returns 2 where MNIST, or a folder's labels, are missing."""
    arguments = _parser().parse_args()
    if arguments.people:
        with tempfile.TemporaryDirectory() as place:
            version = _version(arguments, Path(place))
            return people.measure(arguments.people, version, arguments.json, arguments.wrong)
    if arguments.shapes:
        with tempfile.TemporaryDirectory() as place:
            shapes.measure(_version(arguments, Path(place)), arguments.seed, Console())
        return 0
    folder = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    try:
        test = sources.mnist(folder).test
    except DataMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        version = _version(arguments, Path(place))
        model = Model.load(version.folder, version.manifest)
    digits, truth = rows.as_numpy(test)
    chosen = np.random.default_rng(arguments.seed).choice(len(digits), arguments.pictures, replace=False)
    kinds = [kind for kind in scene.kinds() if kind != _LARGE]
    names = [kinds[number % len(kinds)] for number in range(len(chosen))]
    files = _taken([digits[index, 0] for index in chosen], names, arguments.seed)
    print(f"{len(files):,} photographs, scans and drawings (seed {arguments.seed}), {version.ref}\n")
    spec = model.picture
    prepared = [prepare(file, spec) for file in files]
    read = Score(predict_all(model, np.stack([picture.pixels for picture in prepared])), truth[chosen])
    _table(read, names, kinds)
    print("\non its way to the model             read right")
    for way, seen in _other_ways(files, spec).items():
        print(f"  {way:<34}{Score(predict_all(model, seen), truth[chosen]).accuracy:>8.1%}")
    print(f"  {'prepared as the version says':<34}{read.accuracy:>8.1%}")
    _sure(read, prepared, version.manifest)
    if arguments.plot:
        curve.draw(read, version.manifest.calibration.threshold, arguments.plot)
    _others(model, digits, truth, folder)
    _seconds(files, digits, spec, arguments.seed)
    return 0


def _version(arguments: argparse.Namespace, place: Path) -> Version:
    registry = Registry(arguments.store) if arguments.store else open_store(place)
    return registry.resolve(Ref.parse(arguments.ref))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="What people's pictures are read as.")
    parser.add_argument(
        "ref", nargs="?", default="digits", help="the version, such as digits@2 (default: the champion)"
    )
    parser.add_argument("--store", type=Path, help="a store (default: a new one with the shipped version)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--plot", type=Path, help="where to draw coverage and accuracy by threshold")
    parser.add_argument("--people", type=Path, help="a folder of people's own pictures with a labels.csv, instead")
    parser.add_argument("--shapes", action="store_true", help="flagged ones, crossed sevens and the like, instead")
    parser.add_argument("--json", action="store_true", help="of --people: figures for a program")
    parser.add_argument("--wrong", type=Path, help="of --people: where to write a page of those read wrong")
    return parser


def _taken(digits: Sequence[Grey], kinds: Sequence[str], seed: int) -> list[bytes]:
    """Each digit in a picture of its kind; every picture has a generator of its own, so that any may be drawn again."""
    with ProcessPoolExecutor(cores()) as pool:
        return list(pool.map(_one, digits, kinds, ([seed, number] for number in range(len(kinds))), chunksize=20))


def _one(digit: Grey, kind: str, seed: list[int]) -> bytes:
    return scene.photograph(digit, kind, np.random.default_rng(seed))


def _prepared(files: Iterable[bytes], spec: InputSpec) -> Grey:
    return np.stack([prepare(file, spec).pixels for file in files])


def _other_ways(files: Sequence[bytes], spec: InputSpec) -> dict[str, Grey]:
    greys = [grey_of(decoded(open_picture(file, _MOST), "L", DRAFT_SIDE)) for file in files]
    small = np.stack([cv2.resize(grey, (28, 28), interpolation=cv2.INTER_AREA)[None] for grey in greys])
    return {
        "resized": np.asarray(small, np.uint8),
        "resized, colours inverted": np.asarray(255 - small, np.uint8),
        "prepared as in release 0.1": _prepared(files, InputSpec(preparation="digit")),
    }


def _table(read: Score, names: Sequence[str], kinds: Sequence[str]) -> None:
    for kind in kinds:
        mine = np.array([name == kind for name in names])
        print(f"  {kind:<18}{read.right[mine].mean():>8.1%}   of {mine.sum()}")
    print(f"  {'all':<18}{read.accuracy:>8.2%}   of {len(names):,}")


def _sure(read: Score, prepared: Sequence[Prepared], manifest: Manifest) -> None:
    pairs = zip(prepared, read.probabilities, strict=True)
    sure = np.array([not verdict.of_picture(picture, every, manifest).uncertain for picture, every in pairs])
    print(f"\ncalibration error {metrics(read, manifest.labels).ece:.2%}")
    print(f"{sure.mean():.2%} answered without doubt, {read.right[sure].mean():.2%} of them right")


def _others(model: Model, digits: Grey, truth: NDArray[np.int64], folder: Path) -> None:
    seen = _prepared([to_png(digit) for digit in digits], model.picture)
    print(
        f"\nMNIST's test digits as PNG: {(seen == digits).all((1, 2, 3)).sum():,} of {len(digits):,} untouched, ",
        end="",
    )
    print(f"{Score(predict_all(model, seen), truth).accuracy:.2%} read right")
    try:
        names, files = semeion.read(folder)
    except OSError:
        print("Semeion is not in DIGITSERVE_DATA_DIR")
        return
    shown = np.array([int(name[0]) for name in names])
    ways = {"as scans with a margin": files, "cut tight": semeion.cut(folder)}
    for way, some in ways.items():
        print(
            f"Semeion's digits {way}: {Score(predict_all(model, _prepared(some, model.picture)), shown).accuracy:.2%}"
        )


def _seconds(files: Sequence[bytes], digits: Grey, spec: InputSpec, seed: int) -> None:
    """Milliseconds of preparation, medians: of decoded pictures below a megapixel, of large JPEGs, of MNIST's PNG."""
    some = [colour_of(decoded(open_picture(file, _MOST), "RGB", DRAFT_SIDE)) for file in files[:400]]
    some = [picture for picture in some if picture.shape[0] * picture.shape[1] <= 1_000_000]
    png = [to_png(np.moveaxis(picture, 2, 0)) for picture in some]
    opened = [open_picture(file, _MOST) for file in png]
    for image in opened:
        image.load()
    large = [scene.photograph(digits[n, 0], _LARGE, np.random.default_rng([seed, 10**6 + n])) for n in range(6)]
    small = [to_png(digit) for digit in digits[:1000]]
    print("\nmilliseconds, median")
    print(f"  {'decoded, up to a megapixel':<34}{_median(lambda image: prepare_opened(image, spec), opened):>8.2f}")
    print(f"  {'a large JPEG, decoding included':<34}{_median(lambda file: prepare(file, spec), large):>8.1f}")
    print(f"  {'a PNG in MNIST format':<34}{_median(lambda file: prepare(file, spec), small):>8.3f}")


def _median(work: Callable[[Any], object], what: Sequence[Any]) -> float:
    times = []
    for one in what:
        began = time.perf_counter()
        work(one)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
