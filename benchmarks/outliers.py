"""Pictures that are no digits, as people would send them: how many of each kind a version is uncertain of.

    .venv/bin/python -m benchmarks.outliers [REF] [--store DIR]      (MNIST in DIGITSERVE_DATA_DIR; a minute)

Nothing here comes from what `training.synthetic.outliers` draws: the letters are of fonts that come with matplotlib,
the photographs come with scikit-image, the digits that lie over each other are MNIST's test digits. All are dark on
light paper of 120 to 300 pixels and go through the whole preparation. Letters that a person may take for a digit are
counted apart, and so are lone digits, which should not be uncertain.
"""

import argparse
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app.inference import verdict
from models_store.model import Model, predict_all
from models_store.pictures.decode import to_png
from models_store.pictures.prepare import prepare
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from training.data import sources
from training.data.rows import Rows
from training.errors import DataMissing
from training.synthetic.outliers import digits as of_digits

SEED = 5
LETTERS = "ACEFHKLMNPRTUVWX" + "cdefhkmnprtvwx"
LOOK_ALIKES = "ODQIJZSBGY" + "oiljzsbgqyua" + "?"  # of 0, 1, 2, 3, 4, 5, 6, 8 and 9 in one hand or another
FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSansMono", "DejaVuSansMono-Oblique"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmss10", "cmtt10", "cmti10"),
)
TEXTURES = ("brick.png", "grass.png", "gravel.png", "ihc.png")  # of scikit-image
PHOTOGRAPHS = (  # of scikit-image those without writing, and without bars and rings as in rocket.jpg and coffee.png
    *("astronaut.png", "camera.png", "cell.png", "chelsea.png", "coins.png", "hubble_deep_field.jpg", "moon.png"),
    "motorcycle_left.png",
)
_LISSAJOUS = ((2, 5), (3, 4), (3, 5), (4, 5), (3, 7), (5, 6))
Grey = NDArray[np.uint8]
Ink = NDArray[np.float64]


def kinds(data_folder: Path, seed: int) -> Iterator[tuple[str, list[bytes]]]:
    """Each kind's name and its PNG files, the same for the same seed. Raises DataMissing where MNIST is not there."""
    test = sources.mnist(data_folder).test
    rng = np.random.default_rng(seed)
    yield "letters", [letter(text, font, rng) for text in LETTERS for font in FONTS for _ in range(2)]
    yield "scribbles: random walks", [on_paper(walk(rng), rng) for _ in range(300)]
    yield "scribbles: Lissajous figures", [on_paper(lissajous(rng), rng) for _ in range(200)]
    yield "textures", [photograph(name, rng) for name in TEXTURES for _ in range(50)]
    yield "photographs", [photograph(name, rng) for name in PHOTOGRAPHS for _ in range(40)]
    yield "two digits over each other", [on_paper(two_digits(test, rng), rng) for _ in range(400)]
    yield "blank paper", [blank(rng) for _ in range(200)]
    yield "letters like digits", [letter(text, font, rng) for text in LOOK_ALIKES for font in FONTS for _ in range(2)]


def main() -> int:
    """Prints the table. Returns 2 where MNIST or scikit-image is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ref", nargs="?", default="digits", help="default: the shipped version")
    parser.add_argument("--store", type=Path, help="default: a fresh one")
    options = parser.parse_args()
    folder = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    with tempfile.TemporaryDirectory() as place:
        registry = Registry(options.store) if options.store else open_store(Path(place))
        version = registry.resolve(Ref.parse(options.ref))
        model = Model.load(version.folder, version.manifest)
    table = Table("kind", "n", "uncertain", box=SIMPLE_HEAD)
    try:
        for kind, files in kinds(folder, SEED):
            table.add_row(kind, str(len(files)), f"{uncertain(files, model, version).mean():.1%}")
        rng, test = np.random.default_rng(SEED), sources.mnist(folder).test.pictures.numpy()[:1000, 0]
        lone = uncertain([on_paper(digit / 255, rng) for digit in test], model, version)
        table.add_row("lone digits (MNIST's test)", str(len(test)), f"{lone.mean():.1%}")
    except (DataMissing, OSError) as missing:
        print(missing, file=sys.stderr)
        return 2
    console = Console()
    console.print(f"{version.ref}, uncertain below {version.manifest.calibration.threshold:.3f}, seed {SEED}")
    console.print(table)
    return 0


def uncertain(files: list[bytes], model: Model, version: Version) -> NDArray[np.bool_]:
    """Of each picture whether a server calls its answer uncertain."""
    prepared = [prepare(file, model.picture) for file in files]
    every = predict_all(model, np.stack([picture.pixels for picture in prepared]))
    verdicts = (verdict.of_picture(*pair, version.manifest) for pair in zip(prepared, every, strict=True))
    return np.array([answer.uncertain for answer in verdicts])


def letter(text: str, font: str, rng: np.random.Generator) -> bytes:
    """A printed letter, every second one slanted."""
    size = int(rng.integers(50, 130))
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    canvas = Image.new("L", (3 * size, 3 * size))
    ImageDraw.Draw(canvas).text((size, size // 2), text, fill=255, font=ImageFont.truetype(str(path), size))
    lean = rng.uniform(-0.25, 0.25) if rng.random() < 0.5 else 0.0
    matrix = np.array([[1, lean, -lean * 1.5 * size], [0, 1, 0]])
    return on_paper(cv2.warpAffine(np.asarray(canvas), matrix, canvas.size) / 255, rng, scale=1)


def walk(rng: np.random.Generator) -> Ink:
    """A pen that wanders about a square, mirrored at its edges: how fast it turns is a random walk with a home."""
    turn, angle, turns = 0.0, rng.uniform(0, 2 * np.pi), np.empty(400)
    for step, push in enumerate(rng.normal(0, 0.12, 400)):
        turn = 0.9 * turn + push
        turns[step] = angle = angle + turn
    points = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)
    folded = np.abs(points / 25 % 2 - 1)
    return _stroke((folded - folded.min(0)) / np.ptp(folded, 0), rng)


def lissajous(rng: np.random.Generator) -> Ink:
    """The path of two oscillations across each other, neither of which is slow enough to draw an 8."""
    across, along = _LISSAJOUS[rng.integers(len(_LISSAJOUS))]
    t = np.linspace(0, 2 * np.pi, 300)
    phase = rng.uniform(0.3, 1.2)
    return _stroke(np.stack([np.sin(across * t + phase), np.sin(along * t)], axis=1) / 2 + 0.5, rng)


def two_digits(rows: Rows, rng: np.random.Generator) -> Ink:
    """Two digits of different labels over each other, so that both are seen."""
    own, both = 0.0, np.empty(0, np.uint8)
    while own <= of_digits.OWN:
        first, second = rng.integers(len(rows), size=2).tolist()
        if rows.labels[first] != rows.labels[second]:
            one, other = (rows.pictures[index, 0].numpy() for index in (first, second))
            both, own = of_digits.laid_over(one, other, rng)
    return both / 255


def photograph(name: str, rng: np.random.Generator) -> bytes:
    """A crop of one of scikit-image's photographs."""
    image = _bundled(name)
    side = int(rng.integers(80, min(image.shape)))
    top, left = (int(rng.integers(length - side + 1)) for length in image.shape)
    size = int(rng.integers(120, 300))
    crop = cv2.resize(image[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
    return to_png(np.asarray(crop, np.uint8)[None])


def blank(rng: np.random.Generator) -> bytes:
    """Paper with a shadow and grain, and nothing on it."""
    return on_paper(np.zeros((28, 28)), rng)


def on_paper(ink: Ink, rng: np.random.Generator, scale: float = 0) -> bytes:
    """Ink 0..1, enlarged to 70 to 150 pixels or by `scale`, somewhere on shadowed and grained paper: a PNG file."""
    if not scale:
        scale = rng.uniform(70, 150) / max(ink.shape)
        ink = np.clip(cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), 0, 1)
    left, top, width, height = cv2.boundingRect((ink > 0.05).astype(np.uint8))
    ink = ink[top : top + height, left : left + width]
    side = int(rng.integers(max(120, max(width, height) + 30), 300))
    page = np.full((side, side), rng.uniform(190, 252))
    y, x = (int(rng.integers(8, side - length - 8)) for length in (height, width))
    page[y : y + height, x : x + width] *= 1 - ink * rng.uniform(0.6, 0.95)
    page *= np.linspace(1, rng.uniform(0.6, 1), side) * np.linspace(1, rng.uniform(0.7, 1), side)[:, None]
    page += rng.normal(0, rng.uniform(1, 5), page.shape)
    return to_png(page.round().clip(0, 255).astype(np.uint8)[None])


def _stroke(points: Ink, rng: np.random.Generator) -> Ink:
    canvas = np.zeros((300, 300), np.uint8)
    places = np.rint(20 + 260 * points).astype(np.int32)
    cv2.polylines(canvas, [places], False, 255, int(rng.integers(6, 14)), cv2.LINE_AA)
    return canvas / 255


def _bundled(name: str) -> Grey:
    package = importlib.util.find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise DataMissing("scikit-image is missing: install the extra dev, as `make` does.")
    with Image.open(Path(package.submodule_search_locations[0]) / "data" / name) as image:
        return np.asarray(image.convert("L"))


if __name__ == "__main__":
    sys.exit(main())
