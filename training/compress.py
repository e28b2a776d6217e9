"""Smaller or quicker versions of a version: pruned, rounded to int8, or a student's. It knows no command line.

Each is published with a comparison of size, speed and accuracy with its parent; the gate decides whether it may serve.
"""

import copy
import dataclasses
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from models_store.errors import RecipeRejected
from models_store.manifest import Calibration, Manifest
from models_store.model import WEIGHTS, Model, load_fastest
from models_store.recipe import Recipe
from models_store.registry import Registry, Version
from models_store.specs import CalibrationSpec, DataSpec, FineTuneSpec
from training import evaluate
from training.data import DataSet, Rows
from training.gate import Judged, still_good
from training.learn import learn, load, teacher
from training.loop import Fitted, Run, measure
from training.publish import Outcome, publish
from training.report import Report
from training.weights import rebuild

Way = Literal["prune", "int8", "distil"]
AMOUNTS: Mapping[Way, float] = {"prune": 0.5, "distil": 0.7, "int8": 0.0}


class _Masked(nn.Module):
    """Keeps the weights that were zeroed at zero while the others learn."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask


class _Rounded(nn.Module):
    """Rounds weights to the 256 steps that int8 has for each output channel, and learns as if it did not (Jacob et al.
    2018, arXiv:1712.05877). The steps are those of torch's quantiser, so that it rounds nothing any more."""

    def forward(self, weight: Tensor) -> Tensor:
        scale = weight.detach().abs().flatten(1).amax(1).clamp(min=1e-8) / 127.5
        zero = torch.zeros_like(scale, dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -128, 127)


def prune(net: nn.Module, share: float) -> nn.Module:
    """A copy in which the smallest `share` of all weights of convolutions and linear layers together is zero and stays
    so while it trains (Han et al. 2015, arXiv:1506.02626). `plain` makes it an ordinary net again."""
    net = copy.deepcopy(net)
    layers = _layers(net)
    sizes = torch.cat([layer.weight.detach().abs().flatten() for layer in layers])
    border = sizes.kthvalue(max(1, round(share * len(sizes)))).values if share else sizes.new_tensor(-1.0)
    for layer in layers:
        mask = (layer.weight.detach().abs() > border).float()
        parametrize.register_parametrization(layer, "weight", _Masked(mask))
    return net


def rounded(net: nn.Module) -> nn.Module:
    """A copy whose weights are rounded as int8 rounds them, while it trains too."""
    net = copy.deepcopy(net)
    for layer in _layers(net):
        parametrize.register_parametrization(layer, "weight", _Rounded())
    return net


def plain(net: nn.Module) -> nn.Module:
    """Makes what masking or rounding left the net's own weights."""
    for layer in _layers(net):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    return net


def recipe_for(parent: Version, way: Way, data: DataSpec, student: Recipe | None) -> Recipe:
    """How a version is compressed unless one says otherwise: two epochs at a tenth of its own rate to recover in, or
    the student's own recipe."""
    own = parent.manifest.recipe
    spec = FineTuneSpec(base=parent.ref)
    if student is not None:
        return dataclasses.replace(
            student, input=parent.manifest.input, data=data, finetune=spec, calibration=CalibrationSpec()
        )
    rate = own.train.learning_rate / 10
    train = dataclasses.replace(own.train, epochs=2, learning_rate=rate, validation=0.0, patience=0, unfreeze="all")
    if train.schedule == "plateau":
        train = dataclasses.replace(train, schedule="triangle")
    return dataclasses.replace(
        own, publish_to=parent.name, data=data, train=train, finetune=spec, calibration=CalibrationSpec()
    )


def compress(
    parent: Version, way: Way, amount: float | None, recipe: Recipe, data_folder: Path, registry: Registry, run: Run,
    report: Report,
) -> Version:  # fmt: skip
    """Publishes a smaller version by `recipe`: its `train` table is how the pruned or rounded net recovers, or how the
    student, whose net the recipe names, learns from its teacher.

    `amount` is the share of weights to prune, or the teacher's weight in the student's loss (None: see `AMOUNTS`).
    Raises DataSetRejected, RecipeRejected, TrainingDiverged, WeightsRejected.
    """
    amount = AMOUNTS[way] if amount is None else amount
    if not 0 <= amount < 1:
        raise RecipeRejected("--amount must be at least 0 and below 1.")
    if recipe.input != parent.manifest.input:
        raise RecipeRejected("A smaller version takes the same pictures as its parent: change nothing of input.")
    if way != "distil" and recipe.net != parent.manifest.recipe.net:
        raise RecipeRejected("A pruned or rounded net is its parent's: change nothing of net.")
    report.stage(f"reading the data set {recipe.data.source}")
    rows = load(recipe, data_folder, report)
    if rows.labels != parent.manifest.labels:
        raise RecipeRejected(f"{parent.ref} reads other labels than this data set has: give its own by --data.")
    with registry.stage(recipe.publish_to) as folder:
        fitted = _made(parent, way, amount, recipe, rows, run, report)
        before = measure(rebuild(parent).to(run.device), rows.test, recipe, run.device)[1]
        after = measure(fitted.net, rows.test, recipe, run.device)[1]
        decision = still_good(Judged(len(rows.test), before, after), recipe.finetune)
        outcome = Outcome(
            fitted.net, recipe, rows, fitted.precision,
            calibration=Calibration() if way == "distil" else parent.manifest.calibration,
            runs={"training": fitted.epochs}, parent=parent.ref, accepted=decision.accepted, gate=decision.why,
            facts=_comparison(parent, rows.test, report),
        )  # fmt: skip
        return publish(outcome, registry, folder, report)


def _made(parent: Version, way: Way, amount: float, recipe: Recipe, rows: DataSet, run: Run, report: Report) -> Fitted:
    base, labels = rebuild(parent), len(rows.labels)
    if way == "distil":
        taught = teacher(base, recipe.input, run.device)
        return learn("training", recipe, rows.train, labels, run, report, taught_by=taught, distil=amount)
    net = prune(base, amount) if way == "prune" else rounded(base)
    fitted = learn("training", recipe, rows.train, labels, run, report, net=net)
    return dataclasses.replace(fitted, net=plain(fitted.net))


def _comparison(parent: Version, test: Rows, report: Report) -> Callable[[Path, Manifest], Mapping[str, object]]:
    def compared(folder: Path, draft: Manifest) -> dict[str, object]:
        sides = {parent.ref: _side(parent.folder, parent.manifest, test), "this": _side(folder, draft, test)}
        left, right = sides.values()
        report.table(
            f"beside {parent.ref}",
            ["", parent.ref, "compressed"],
            [(name, left.get(name, "-"), right.get(name, "-")) for name in dict.fromkeys([*left, *right])],
        )
        return {"compared": sides}

    return compared


def _side(folder: Path, manifest: Manifest, test: Rows) -> dict[str, str]:
    """One version in numbers that people compare, each with its unit."""
    listed = manifest.with_files(folder)  # of a draft too, so that every file is checked alike
    model = load_fastest(folder, listed)
    weights = (folder / WEIGHTS).read_bytes()
    return {
        "parameters": f"{manifest.parameters:,}",
        "weights that are zero": f"{_zeros(weights):.1%}",
        "weights, KB": f"{len(weights) / 1000:,.0f}",
        "weights zipped, KB": f"{len(zlib.compress(weights, 9)) / 1000:,.0f}",
        **{
            f"{name}, KB": f"{(folder / it.file).stat().st_size / 1000:,.0f}"
            for name, it in manifest.candidates.items()
        },
        "quickest": model.candidate,
        "one picture, ms": f"{1000 * model.seconds(1):.2f}",
        "pictures/s at 64": f"{64 / model.seconds(64):,.0f}",
        "read right": f"{evaluate.score(Model.load(folder, listed), test).accuracy:.2%}",
        "read right by the quickest": f"{evaluate.score(model, test).accuracy:.2%}",
    }


def _zeros(weights: bytes) -> float:
    import safetensors.torch

    tensors = [tensor for tensor in safetensors.torch.load(weights).values() if tensor.dim() > 1]
    return sum(int((tensor == 0).sum()) for tensor in tensors) / max(1, sum(tensor.numel() for tensor in tensors))


def _layers(net: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    return [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
