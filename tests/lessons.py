"""Small things to learn, and nets that learned them: what tests of training stand on."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from models_store.recipe import Recipe
from models_store.specs import AugmentSpec, DataSpec, InputSpec, NetSpec, TrainSpec
from training import draw
from training.data import Rows
from training.loop import Epoch, Run, fit
from training.nets.catalog import build
from training.report import Silent

PICTURE = InputSpec()
UNBENT = AugmentSpec()
SPEC = TrainSpec(epochs=3, batch_size=20, learning_rate=0.05)


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
    return fit(net, rows, recipe, Run(on_epoch=epochs.append)).net, epochs


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

    def result(self, **facts: Any) -> None:
        self.facts = facts


def digit_files(folder: Path, per_digit: int, seed: int = 3) -> Path:
    """A folder per digit: light chalk on grey paper, as the bundled digits and MNIST are not."""
    rng = np.random.default_rng(seed)
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for number in range(per_digit):
            paper = draw.on_paper(digit, rng, size=(90, 100), height=60, ground=110, pen_grey=205)
            Image.fromarray(paper).save(folder / str(digit) / f"{number}.png")
    return folder


def sign_files(folder: Path, per_sign: int, seed: int = 3) -> Path:
    """A folder per sign, none of which is a digit: a lying bar, a frame and a cross."""
    rng = np.random.default_rng(seed)
    for sign in ("bar", "frame", "cross"):
        (folder / sign).mkdir(parents=True)
        for number in range(per_sign):
            pixels = np.full((60, 60), 240, np.uint8)
            top, left = rng.integers(8, 14, 2)
            if sign == "bar":
                pixels[top + 14 : top + 21, left : left + 38] = 20
            elif sign == "frame":
                pixels[top : top + 38, left : left + 38] = 20
                pixels[top + 7 : top + 31, left + 7 : left + 31] = 240
            else:
                pixels[top + 15 : top + 22, left : left + 38] = 20
                pixels[top : top + 38, left + 15 : left + 22] = 20
            Image.fromarray(pixels).save(folder / sign / f"{number}.png")
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
