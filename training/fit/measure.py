"""Measures a bare net on rows as they are, without augmentation."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from models_store.recipe import Recipe
from training.data.rows import Rows
from training.fit.losses import of_answers

Reading = Callable[[nn.Module, Tensor], Tensor]  # a net in eval mode, uint8 [N, C, H, W] -> logits [N, labels]

_MEASURED_PIXELS = 500 * 28 * 28  # of a batch


@torch.no_grad()
def measure(net: nn.Module, rows: Rows, recipe: Recipe, device: torch.device) -> tuple[float, float]:
    """(loss, share read right of those that show a label)."""
    was_training, size = net.training, max(1, _MEASURED_PIXELS // rows.pictures[0].numel())
    mean, std = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (recipe.input.mean, recipe.input.std))
    net.eval()
    loss, right = 0.0, 0
    for pictures, labels in zip(rows.pictures.split(size), rows.labels.split(size), strict=True):
        truth = labels.to(device)
        logits = net((pictures.to(device).float() / 255 - mean) / std).float()
        loss += of_answers(logits, truth, recipe.train).item() * len(truth)
        right += int((logits.argmax(1) == truth).sum())
    net.train(was_training)
    return loss / len(rows), right / max(1, int((rows.labels >= 0).sum()))


def reading(recipe: Recipe, device: torch.device) -> Reading:
    """How a net is asked about pictures as they are: their pixels scaled as the recipe says. Gradients pass."""
    mean, std = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (recipe.input.mean, recipe.input.std))

    def read(net: nn.Module, pictures: Tensor) -> Tensor:
        return net((pictures.to(device).float() / 255 - mean) / std).float()  # type: ignore[no-any-return]

    return read
