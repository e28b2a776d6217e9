"""Optimizers, learning rates and which blocks learn, as a recipe names them."""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from models_store.specs import TrainSpec
from training.nets.catalog import blocks


def optimizer(net: nn.Module, spec: TrainSpec) -> torch.optim.Optimizer:
    """The recipe's optimizer over all weights of the net, each group with its own share of the rate."""
    groups, rate = _groups(net, spec), spec.learning_rate
    nesterov = spec.nesterov and spec.momentum > 0
    match spec.optimizer:
        case "sgd":
            return _plain(torch.optim.SGD)(groups, lr=rate, momentum=spec.momentum, nesterov=nesterov)
        case "rmsprop":
            return _plain(torch.optim.RMSprop)(groups, lr=rate, momentum=spec.momentum)
        case "adam":
            return _plain(torch.optim.Adam)(groups, lr=rate)
        case "adamw":
            return _plain(torch.optim.AdamW)(groups, lr=rate)
        case "adagrad":
            return _plain(torch.optim.Adagrad)(groups, lr=rate)


@functools.cache
def _plain(kind: type[torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
    """The same optimizer without the wrappers that tell torch's compiler to let it alone: nothing is compiled here, and
    the first of them imports that compiler, which takes a second and more."""
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    bare = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    return type(kind.__name__, (kind,), {**bare, "step": torch.no_grad()(inspect.unwrap(kind.step))})


def _groups(net: nn.Module, spec: TrainSpec) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only: on biases and batch norms it costs accuracy."""
    groups: list[dict[str, Any]] = []
    *below, head = blocks(net)
    for block in (*below, head):
        share = 1.0 if block is head else spec.lower_rate
        weights = [p for p in block.parameters() if p.dim() > 1]
        others = [p for p in block.parameters() if p.dim() <= 1]
        groups += [{"params": weights, "weight_decay": spec.weight_decay, "share": share}] if weights else []
        groups += [{"params": others, "weight_decay": 0.0, "share": share}] if others else []
    return groups


def set_learning(net: nn.Module, spec: TrainSpec, epoch: int) -> None:
    """Puts the net into training mode for one epoch: frozen blocks neither learn nor drop out nor count averages.

    `gradual` (Howard and Ruder 2018, arXiv:1801.06146) starts with the head and adds a block with every epoch.
    """
    parts = blocks(net)
    learning = {"all": len(parts), "last_block": 2, "head": 1, "gradual": epoch}[spec.unfreeze]
    net.train()
    for depth, block in enumerate(reversed(parts)):
        block.requires_grad_(depth < learning)
        block.train(depth < learning)
    if spec.freeze_norms:
        for module in net.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


class Rates:
    """Sets the learning rate before each step."""

    def __init__(self, optimizer: torch.optim.Optimizer, spec: TrainSpec, steps_per_epoch: int) -> None:
        self._optimizer = optimizer
        self._spec = spec
        self._factor = factor(spec, steps_per_epoch)
        self._scale = 1.0  # what `plateau` has left
        self._best = math.inf
        self._waited = 0

    def set(self, step: int) -> float:
        """Sets the rate of every group for the step, counted from 0, and returns the head's."""
        rate = self._spec.learning_rate * self._scale * self._factor(step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["share"]
        return rate

    def epoch_ended(self, validation_loss: float | None) -> None:
        """Has `plateau` lower the rate after `step_epochs` epochs without a better loss."""
        if self._spec.schedule != "plateau" or validation_loss is None:
            return
        self._waited += 1
        if validation_loss < self._best:
            self._best, self._waited = validation_loss, 0
        elif self._waited >= self._spec.step_epochs:
            self._scale, self._waited = self._scale * self._spec.step_factor, 0

    def state_dict(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return {"scale": self._scale, "best": self._best, "waited": self._waited}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Takes back what `state_dict` gave."""
        self._scale, self._best, self._waited = state["scale"], state["best"], int(state["waited"])


def factor(spec: TrainSpec, steps_per_epoch: int) -> Callable[[int], float]:
    """Step, counted from 0 -> share of the learning rate."""
    steps = spec.epochs * steps_per_epoch
    up = max(1.0, spec.warmup * steps)
    match spec.schedule:
        case "triangle":
            return lambda step: max(0.0, min((step + 1) / up, (steps - step) / (steps - up + 1)))
        case "cosine":  # Loshchilov and Hutter 2017, arXiv:1608.03983, after a linear warm-up
            rise = spec.warmup * steps
            return lambda step: (step + 1) / (rise + 1) if step < rise else _cosine((step - rise) / (steps - rise))
        case "one_cycle":  # Smith and Topin 2018, arXiv:1708.07120, with torch's defaults: from 1/25, to 1/250,000
            peak = max(1.0, spec.warmup * steps - 1)
            return lambda step: (
                _between(1 / 25, 1, step / peak)
                if step <= peak
                else _between(1, 1 / 250_000, (step - peak) / max(1.0, steps - 1 - peak))
            )
        case "step":
            return lambda step: spec.step_factor ** (step // steps_per_epoch // spec.step_epochs)
        case "constant" | "plateau":
            return lambda step: 1.0


def _cosine(share: float) -> float:
    return (1 + math.cos(math.pi * min(share, 1.0))) / 2


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * _cosine(share)
