"""Small things to learn, and nets that learned them: what tests of training stand on."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn

from models_store.manifest import Calibration
from models_store.recipe import Recipe
from models_store.registry import Registry, Version
from models_store.specs import AugmentSpec, DataSpec, InputSpec, NetSpec, TrainSpec
from training.data import sources
from training.data.rows import Rows
from training.fit.epoch import Epoch
from training.fit.loop import fit
from training.fit.material import Material
from training.fit.runtime import Runtime
from training.learn import Session, learn
from training.nets.catalog import build
from training.publish.assemble import Outcome, assemble
from training.publish.release import complete, release
from training.report.progress import Reporter, Silent
from training.synthetic.strokes import on_paper

PICTURE = InputSpec()
NOWHERE = Path("/no/mnist/here")
UNBENT = AugmentSpec()
SPEC = TrainSpec(epochs=3, batch_size=20, learning_rate=0.05, precision="float32")


def stripes(count: int, seed: int = 0) -> Rows:
    """Three labels: a bright stripe at one of three heights, on a noisy ground."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    pictures = torch.randint(0, 60, (count, 1, 28, 28), generator=generator, dtype=torch.uint8)
    for picture, label in zip(pictures, labels.tolist(), strict=True):
        picture[0, 4 + 7 * label : 9 + 7 * label, 6:22] = 230
    return Rows(pictures, labels)


def trained(
    rows: Rows, spec: TrainSpec = SPEC, seed: int = 1, name: str = "fast", augment: AugmentSpec = UNBENT
) -> tuple[nn.Module, list[Epoch]]:
    torch.manual_seed(0)
    epochs: list[Epoch] = []
    recipe = recipe_of(spec, name, augment, seed)
    net = build(recipe.net, PICTURE, 3)
    return fit(net, Material(rows), recipe, Runtime(on_epoch=epochs.append)).net, epochs


def recipe_of(spec: TrainSpec, name: str = "fast", augment: AugmentSpec = UNBENT, seed: int = 1) -> Recipe:
    net, data = NetSpec(name=name), DataSpec(source="bundled")
    return Recipe(publish_to="x", net=net, data=data, train=spec, augment=augment, seed=seed)


def accuracy(net: nn.Module, rows: Rows) -> float:
    with torch.inference_mode():
        answers = net((rows.pictures / 255 - 0.1307) / 0.3081).argmax(1)
    return float((answers == rows.labels).float().mean())


def same_weights(left: nn.Module, right: nn.Module) -> bool:
    pairs = zip(left.state_dict().values(), right.state_dict().values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


class Heard(Silent):
    """Keeps what a report is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.epochs: list[tuple[str, Epoch]] = []
        self.steps: dict[str, int] = {}  # a run's name -> steps of an epoch
        self.titles: list[str] = []
        self.rows: list[list[str]] = []  # of the last table
        self.facts: dict[str, Any] = {}
        self.left_out: list[dict[str, str]] = []

    def numbers(self, run: str) -> list[int]:
        """The epochs of one run, in the order in which they came."""
        return [epoch.number for name, epoch in self.epochs if name == run]

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, run: str, epoch: int, done: int, steps: int, epochs: int = 1) -> None:
        self.steps[run] = steps

    def epoch(self, run: str, epoch: Epoch) -> None:
        self.epochs.append((run, epoch))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.titles.append(title)
        self.rows = [list(row) for row in rows]

    def held(self, rows: Sequence[Mapping[str, str]]) -> None:
        self.left_out += map(dict, rows)

    def result(self, **facts: Any) -> None:
        self.facts = facts


def session(store: Registry, data: Path = NOWHERE, report: Reporter | None = None, fresh: bool = False) -> Session:
    """What a command works with: this store, the folder that holds MNIST, one process on the CPU."""
    return Session(data, store, Runtime(), report or Heard(), fresh)


def published(outcome: Outcome, store: Registry, report: Reporter | None = None) -> Version:
    """A version of a net, as every command publishes it that has nothing to judge."""
    report = report or Silent()
    with store.stage(outcome.recipe.publish_to) as folder:
        return release(complete(assemble(outcome, folder, report), report), store, report)


def digit_files(folder: Path, per_digit: int, seed: int = 3) -> Path:
    """A folder per digit: light chalk on grey paper, as the bundled digits and MNIST are not."""
    rng = np.random.default_rng(seed)
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for number in range(per_digit):
            paper = on_paper(digit, rng, size=(90, 100), height=60, ground=110, pen_grey=205)
            Image.fromarray(paper).save(folder / str(digit) / f"{number}.png")
    return folder


_SIGNS = {
    "bar": [((10, 30), (50, 30))],
    "cross": [((10, 30), (50, 30)), ((30, 10), (30, 50))],
    "frame": [((12, 12), (48, 12)), ((48, 12), (48, 48)), ((48, 48), (12, 48)), ((12, 48), (12, 12))],
}


def sign_files(folder: Path, per_sign: int, seed: int = 3) -> Path:
    """A folder per sign, none of which is a digit: strokes whose ends lie a little differently each time."""
    rng = np.random.default_rng(seed)
    for sign, strokes in _SIGNS.items():
        (folder / sign).mkdir(parents=True)
        for number in range(per_sign):
            paper = Image.new("L", (60, 60), 240)
            for ends in strokes:
                points = [(x + rng.uniform(-3, 3), y + rng.uniform(-3, 3)) for x, y in ends]
                ImageDraw.Draw(paper).line(points, fill=20, width=7)
            paper.save(folder / sign / f"{number}.png")
    return folder


def mnist_files(folder: Path, train: Rows, test: Rows) -> Path:
    """The rows as the four files of MNIST, in the format that its page describes."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, rows in (("train", train), ("t10k", test)):
        pictures, labels = rows.pictures[:, 0].numpy(), rows.labels.numpy().astype(np.uint8)
        head = struct.pack(">IIII", 0x803, *pictures.shape)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(head + pictures.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, len(labels)) + labels.tobytes())
    return folder


def small_version(store: Registry) -> Version:
    """`digits@1` of an empty store: a small net that learned scikit-learn's digits, nine of ten right."""
    rows = sources.bundled()
    recipe = Recipe(
        publish_to="digits",
        net=NetSpec(name="mlp", options={"hidden": 48, "second": 24}),
        data=DataSpec(source="bundled"),
        train=TrainSpec(epochs=8, batch_size=32, learning_rate=0.05, precision="float32"),
    )
    fitted = learn("training", recipe, Material(rows.train), 10, Runtime(), Silent())
    outcome = Outcome(
        fitted.net, recipe, rows, fitted.precision, Calibration(temperature=0.9, fitted_on="a guess"), pictures=False
    )
    made = published(outcome, store)
    assert made.manifest.metrics["accuracy"] > 0.85
    return made
