"""A small thing to learn, and nets that learned it: what tests of the training loop stand on."""

import torch
from torch import nn

from models_store.recipe import Recipe
from models_store.specs import AugmentSpec, DataSpec, InputSpec, NetSpec, TrainSpec
from training.data import Rows
from training.loop import Epoch, Run, fit
from training.nets.catalog import build

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
