"""Smaller or quicker versions of a version: pruned, rounded to int8, or a student's.

Each is published with a comparison of size, speed and accuracy with its parent; the gate decides whether it may serve.
"""

import copy
import dataclasses
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from models_store.defaults import RECOVERY
from models_store.errors import RecipeRejected
from models_store.files import WEIGHTS
from models_store.manifest import Calibration, Manifest
from models_store.model import Model, load_fastest
from models_store.recipe import Recipe
from models_store.registry import Version
from models_store.specs import CalibrationSpec, DataSpec, FineTuneSpec
from training.data.rows import DataSet, Rows
from training.fit.learner import Fitted
from training.fit.material import Distillation, Material
from training.judge.gate import as_first, still_good
from training.judge.learned import of_data, of_version
from training.judge.score import score, times
from training.learn import Session, experiment, key, learn, load, teacher
from training.publish.assemble import Draft, Outcome, assemble
from training.publish.release import complete, release
from training.publish.weights import rebuild
from training.report.progress import Reporter

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
    2018, arXiv:1712.05877). torch's quantiser moves them once more by at most .4 % of the channel's largest."""

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


def recipe_for(parent: Version, way: Way, data: DataSpec | None, student: Recipe | None) -> Recipe:
    """How a version is compressed unless one says otherwise: two epochs at a tenth of its own rate to recover in, or
    the student's own recipe; on the data set that the version learned from. Raises RecipeRejected where the store does
    not have that."""
    own = parent.manifest.recipe
    if data is None and own.data.source == "files":  # of which only the name is kept
        raise RecipeRejected(f"{parent.ref} learned from files of its maker's: pass --data mnist, bundled or a path.")
    data = dataclasses.replace(data or own.data, test_share=own.data.test_share)
    spec = FineTuneSpec(base=parent.ref)
    if student is not None:
        return dataclasses.replace(
            student, input=parent.manifest.input, data=data, finetune=spec, calibration=CalibrationSpec()
        )
    rate = own.train.learning_rate / RECOVERY
    schedule = "triangle" if own.train.schedule == "plateau" else own.train.schedule
    train = dataclasses.replace(
        own.train, epochs=2, learning_rate=rate, schedule=schedule, validation=0.0, patience=0, unfreeze="all"
    )
    return dataclasses.replace(
        own, publish_to=parent.name, data=data, train=train, finetune=spec, calibration=CalibrationSpec()
    )


def compress(parent: Version, way: Way, amount: float | None, recipe: Recipe, session: Session) -> Version:
    """Publishes a smaller version by `recipe`: its `train` table is how the pruned or rounded net recovers, or how the
    student, whose net the recipe names, learns from its teacher.

    `amount` is the share of weights to prune, or the teacher's weight in the student's loss (None: see `AMOUNTS`).
    Raises DataSetRejected, RecipeRejected, TrainingDiverged, WeightsRejected.
    """
    registry, report = session.registry, session.report
    amount = AMOUNTS[way] if amount is None else amount
    _check(parent, way, amount, recipe)
    report.stage(f"reading the data set {recipe.data.source}")
    split_as = parent.manifest.recipe.seed  # what the parent learned from must not test what it became
    data = load(dataclasses.replace(recipe, seed=split_as), session.data_folder, report)
    if data.labels != parent.manifest.labels:
        raise RecipeRejected(f"{parent.ref} reads other labels than this data set has: give its own by --data.")
    name = f"{key(recipe, data)}-{way}-{amount}-{parent.manifest.digest[:8]}"
    registry.prepare(recipe.publish_to)  # a bad name or a full disk shows before hours of training
    with experiment(session, name) as folder:
        fitted = _made(parent, way, amount, recipe, data, session, folder)
        before = score(Model.load(parent.folder, parent.manifest), data.test).accuracy
        outcome = Outcome(
            fitted.net, recipe, data, fitted.precision,
            calibration=Calibration() if way == "distil" else parent.manifest.calibration,
            runs={"training": fitted.epochs}, parent=parent.ref, learned=of_version(parent).joined(of_data(data)),
        )  # fmt: skip
        with registry.stage(recipe.publish_to) as staged:
            draft = assemble(outcome, staged, report)
            judged = draft.judged(before)
            decision = still_good(judged, recipe.finetune)
            if not registry.has_champion(recipe.publish_to):
                decision = as_first(decision, judged)
            facts = _compared(parent, draft, report)
            return release(complete(draft, report, decision, facts), registry, report)


def _check(parent: Version, way: Way, amount: float, recipe: Recipe) -> None:
    if not 0 <= amount < 1:
        raise RecipeRejected("--amount must be at least 0 and below 1.")
    if recipe.input != parent.manifest.input:
        raise RecipeRejected("A smaller version takes the same pictures as its parent: change nothing of input.")
    if way != "distil" and recipe.net != parent.manifest.recipe.net:
        raise RecipeRejected("A pruned or rounded net is its parent's: change nothing of net.")


def _made(
    parent: Version, way: Way, amount: float, recipe: Recipe, data: DataSet, session: Session, folder: Path
) -> Fitted:
    base, labels, runtime, report = rebuild(parent), len(data.labels), session.runtime, session.report
    material = Material(data.train, data.validation)
    if way == "distil":
        if amount:
            material = Material(
                data.train,
                data.validation,
                distillation=Distillation(teacher(base, recipe.input, runtime.device), amount),
            )
        return learn("training", recipe, material, labels, runtime, report, folder=folder)
    net = prune(base, amount) if way == "prune" else rounded(base)
    fitted = learn("training", recipe, material, labels, runtime, report, folder=folder, net=net)
    return dataclasses.replace(fitted, net=plain(fitted.net))


def _compared(parent: Version, draft: Draft, report: Reporter) -> dict[str, object]:
    """Size, speed and accuracy beside the parent's, as a table for people and for the version's report."""
    places = [(parent.folder, parent.manifest), (draft.folder, draft.manifest.with_files(draft.folder))]
    quickest = [load_fastest(*place) for place in places]
    left, right = (
        _side(*place, model, milliseconds, draft.outcome.data.test)
        for place, model, milliseconds in zip(places, quickest, times(quickest).tolist(), strict=True)
    )
    names = dict.fromkeys([*left, *right])
    rows = [(name, left.get(name, "-"), right.get(name, "-")) for name in names]
    report.table(f"beside {parent.ref}", ["", parent.ref, "compressed"], rows)
    return {"compared": {parent.ref: left, "this": right}}


def _side(
    folder: Path, manifest: Manifest, quickest: Model, milliseconds: tuple[float, float], test: Rows
) -> dict[str, str]:
    """One version in numbers that people compare, each with its unit."""
    weights = manifest.read_file(folder, WEIGHTS)
    plain = Model.load(folder, manifest)
    return {
        "parameters": f"{manifest.parameters:,}",
        "weights that are zero": f"{_zeros(weights):.1%}",
        "weights, KB": f"{len(weights) / 1000:,.0f}",
        "weights zipped, KB": f"{len(zlib.compress(weights, 9)) / 1000:,.0f}",
        **{f"{name}, KB": f"{manifest.files[it.file].size / 1000:,.0f}" for name, it in manifest.candidates.items()},
        "quickest": quickest.candidate,
        "one picture, ms": f"{milliseconds[0]:.2f}",
        "one of many, ms": f"{milliseconds[1]:.3f}",
        "read right": f"{score(plain, test).accuracy:.2%}",
        "read right by the quickest": f"{score(quickest, test).accuracy:.2%}",
    }


def _zeros(weights: bytes) -> float:
    import safetensors.torch

    tensors = [tensor for tensor in safetensors.torch.load(weights).values() if tensor.dim() > 1]
    return sum(int((tensor == 0).sum()) for tensor in tensors) / max(1, sum(tensor.numel() for tensor in tensors))


def _layers(net: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    return [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
