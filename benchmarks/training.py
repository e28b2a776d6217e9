"""Our training beside the tutorials' way, in one run: test accuracy and wall time of both, imports excluded.

    make bench            (MNIST in DIGITSERVE_DATA_DIR, about three minutes on two cores)

The tutorials' way is torchvision's data set read through a DataLoader in batches of 100, Adam at 1e-3, three epochs of
the two-convolution net. Ours is the recipe `cnn`: the same net and the same data, in one epoch.
"""

import dataclasses
import os
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from models_store.machine import cores
from models_store.recipe import Recipe
from training import sources
from training.__main__ import RECIPES
from training.errors import DataMissing
from training.loop import fit
from training.nets.catalog import build
from training.vision import torchvision

TUTORIAL_EPOCHS = 3
ROUNDS = 3  # of ours, each with its own seed: the median counts


@dataclasses.dataclass(frozen=True)
class Row:
    """One way to train: accuracy on the 10,000 test digits after the last epoch."""

    way: str
    epochs: int
    accuracy: float
    seconds: float


def main() -> int:
    """Prints the table. Returns 2 where MNIST is missing."""
    folder = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    torch.set_num_threads(cores())
    try:
        sources.mnist(folder)  # downloads it where it is missing, outside the clock
    except DataMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    ours = sorted((_ours(folder, seed) for seed in range(1, ROUNDS + 1)), key=lambda row: row.seconds)
    tutorial = _tutorial(folder)
    _print([tutorial, *ours], ours[ROUNDS // 2], tutorial)
    return 0


def _ours(folder: Path, seed: int) -> Row:
    recipe = Recipe.from_toml((RECIPES / "cnn.toml").read_text())
    began = time.perf_counter()
    rows = sources.mnist(folder)
    torch.manual_seed(seed)
    net = build(recipe.net, recipe.input, len(rows.labels))
    net = fit(net, rows.train, recipe.train, recipe.augment, recipe.input, seed, torch.device("cpu"))
    seconds = time.perf_counter() - began
    mean, std = recipe.input.mean[0], recipe.input.std[0]
    accuracy = _accuracy(net, (rows.test.pictures.float() / 255 - mean) / std, rows.test.labels)
    return Row(f"ours, seed {seed}", recipe.train.epochs, accuracy, seconds)


class _TutorialNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.pool, self.drop = nn.MaxPool2d(2), nn.Dropout(0.2)
        self.fc1, self.fc2 = nn.Linear(64 * 4 * 4, 500), nn.Linear(500, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x))).flatten(1)
        return self.fc2(self.drop(F.relu(self.fc1(x))))  # type: ignore[no-any-return]


def _tutorial(folder: Path) -> Row:
    from torchvision import transforms  # torchvision() has cured the import by now

    vision = torchvision()
    torch.manual_seed(1)
    began = time.perf_counter()
    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train, test = (vision.datasets.MNIST(str(folder), train=part, transform=steps) for part in (True, False))
    net = _TutorialNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(TUTORIAL_EPOCHS):
        for pictures, labels in torch.utils.data.DataLoader(train, batch_size=100, shuffle=True):
            optimizer.zero_grad()
            F.cross_entropy(net(pictures), labels).backward()
            optimizer.step()
    seconds = time.perf_counter() - began
    pictures = torch.stack([picture for picture, _ in test])
    return Row("the tutorials' way", TUTORIAL_EPOCHS, _accuracy(net, pictures, test.targets), seconds)


@torch.inference_mode()
def _accuracy(net: nn.Module, pictures: Tensor, labels: Tensor) -> float:
    answers = torch.cat([net.eval()(batch).argmax(1) for batch in pictures.split(1000)])
    return (answers == labels).float().mean().item()


def _print(rows: list[Row], median: Row, tutorial: Row) -> None:
    table = Table("", "epochs", "test accuracy", "seconds", box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(row.way, str(row.epochs), f"{row.accuracy:.2%}", f"{row.seconds:.1f}")
    console = Console()
    console.print(f"The two-convolution net on MNIST, {cores()} CPU threads, imports excluded")
    console.print(table)
    share = tutorial.seconds / median.seconds
    console.print(f"Ours (median of {ROUNDS}) takes 1/{share:.1f} of the tutorials' wall time.")


if __name__ == "__main__":
    sys.exit(main())
