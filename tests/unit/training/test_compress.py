import dataclasses
import json
import math
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from models_store.errors import RecipeRejected
from models_store.manifest import Manifest
from models_store.model import load_fastest
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import CalibrationSpec, DataSpec, InputSpec, NetSpec, TrainSpec
from tests.support.lessons import PICTURE, SPEC, accuracy, recipe_of, session, sign_files, small_version, stripes
from training.compress import Way, compress, plain, prune, recipe_for, rounded
from training.fit.loop import fit
from training.fit.material import Material
from training.judge.learned import of_version
from training.nets.catalog import build
from training.publish.weights import rebuild

BUNDLED = DataSpec(source="bundled")
STUDENT = Recipe(
    publish_to="digits-student",
    net=NetSpec(name="fcnn", options={"hidden": 16}),
    data=DataSpec(source="mnist"),
    train=TrainSpec(epochs=2, batch_size=32, learning_rate=0.05, precision="float32"),
    calibration=CalibrationSpec(held_out=300),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tmp_path_factory.mktemp("small") / "store")


@pytest.fixture(scope="module")
def parent(store: Registry) -> Version:
    return small_version(store)


def short(parent: Version, way: Way, student: Recipe | None = None) -> Recipe:
    recipe = recipe_for(parent, way, BUNDLED, student)
    return dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, epochs=1, precision="float32"))


def made(parent: Version, way: Way, amount: float | None, recipe: Recipe, store: Registry) -> Version:
    return compress(parent, way, amount, recipe, session(store))


def kernels(weights: dict[str, Tensor]) -> Tensor:
    """All weights but biases and norms, one after another."""
    return torch.cat([tensor.flatten() for _, tensor in sorted(weights.items()) if tensor.dim() > 1])


def stored(version: Version) -> dict[str, Tensor]:
    return safetensors.torch.load_file(version.folder / "weights.safetensors")


def compared(version: Version) -> dict[str, dict[str, str]]:
    told = json.loads((version.folder / "report" / "metrics.json").read_text())
    return {str(name): side for name, side in told["compared"].items()}


def on_the_grid(weights: Tensor) -> bool:
    """Whether each output channel is made of whole steps -128 to 127, of which the largest weight is 127 or 128."""
    channels = weights.flatten(1)
    largest = channels.abs().amax(1, keepdim=True)
    fits = torch.zeros(len(channels), dtype=torch.bool)
    for most in (127, 128):
        steps = channels / (largest / most)
        whole = (steps - steps.round()).abs().amax(1) < 1e-3
        fits |= whole & (steps.amax(1) < 127.5) & (steps.amin(1) > -128.5)
    return bool(fits.all())


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_pruned_weights_stay_zero_while_the_others_learn(share: float) -> None:
    torch.manual_seed(0)
    net = build(NetSpec(name="fast"), PICTURE, 3)
    before = kernels(net.state_dict())
    fitted = plain(fit(prune(net, share), Material(stripes(120)), recipe_of(dataclasses.replace(SPEC, ema=0.9))).net)
    after = kernels(fitted.state_dict())
    assert int((after == 0).sum()) == round(share * len(before))
    smallest = before.abs().argsort()[: round(share * len(before))]
    assert bool((after[smallest] == 0).all())
    assert fitted.state_dict().keys() == net.state_dict().keys()
    assert torch.equal(kernels(net.state_dict()), before)  # the net itself is left alone
    assert accuracy(fitted, stripes(99, seed=5)) == 1


def test_rounded_weights_have_the_steps_of_int8_after_training() -> None:
    torch.manual_seed(0)
    net = build(NetSpec(name="fast"), PICTURE, 3)
    fitted = plain(fit(rounded(net), Material(stripes(120)), recipe_of(dataclasses.replace(SPEC, ema=0.9))).net)
    weights = [tensor for tensor in fitted.state_dict().values() if tensor.dim() > 1]
    assert len(weights) == 5 and all(map(on_the_grid, weights))
    assert not any(on_the_grid(tensor) for tensor in net.state_dict().values() if tensor.dim() > 1)
    assert fitted.state_dict().keys() == net.state_dict().keys()
    assert accuracy(fitted, stripes(99, seed=5)) == 1


def stated(manifest: Manifest) -> float:
    """The share right after compressing, as the gate's sentence has it."""
    share = re.search(r"-> ([\d.]+)%", manifest.gate)
    assert share is not None
    return round(float(share[1]) * 3.6) / 360


def test_half_of_a_versions_weights_can_go(store: Registry, parent: Version) -> None:
    version = made(parent, "prune", None, short(parent, "prune"), store)
    found = store.verify(Ref("digits", None, version.number)).manifest
    before, after = kernels(stored(parent)), kernels(stored(version))
    assert len(before) == 784 * 48 + 48 * 24 + 24 * 10
    assert int((after == 0).sum()) == len(before) // 2
    assert bool((after[before.abs().argsort()[: len(before) // 2]] == 0).all())
    assert (found.parent, found.calibration) == ("digits@1", parent.manifest.calibration)
    worst = max(it.labels_changed for it in found.candidates.values())  # the gate judges the worst that may serve
    assert 0 <= found.metrics["accuracy"] - stated(found) <= worst / 360
    shares = [parent.manifest.metrics["accuracy"], stated(found)]
    assert found.accepted is (round(360 * (shares[0] - shares[1])) <= 1)  # 0.3 points of 360 rows
    assert f": 360 test rows: {shares[0]:.2%} -> {shares[1]:.2%}, at most 0.3 points may be lost" in found.gate
    assert store.aliases("digits") == {"champion": 1}

    left, right = compared(version).values()
    assert (left["weights that are zero"], right["weights that are zero"]) == ("0.0%", "50.0%")
    assert float(right["weights zipped, KB"]) < 0.7 * float(left["weights zipped, KB"])
    assert (left["parameters"], right["parameters"]) == ("39,106", "39,106")
    assert (left["read right"], right["read right"]) == (f"{shares[0]:.2%}", f"{found.metrics['accuracy']:.2%}")
    assert rebuild(version).state_dict().keys() == rebuild(parent).state_dict().keys()  # to start from again


def test_a_student_is_a_smaller_net_with_its_teachers_labels(store: Registry, parent: Version) -> None:
    recipe = short(parent, "distil", STUDENT)
    version = made(parent, "distil", None, recipe, store)
    found = version.manifest
    assert (version.ref, found.net, found.parent, found.labels) == (
        "digits-student@1", "fcnn", "digits@1", parent.manifest.labels,
    )  # fmt: skip
    assert found.calibration.fitted_on == "nothing: the defaults"
    assert (found.data.source, found.data.train_rows) == ("bundled", 1437)
    assert list(compared(version)) == ["digits@1", "this"]
    assert [side["parameters"] for side in compared(version).values()] == ["39,106", "12,730"]
    assert compared(version)["this"]["quickest"] in found.candidates
    untaught = made(parent, "distil", 0.0, recipe, store)
    assert not torch.equal(kernels(stored(version)), kernels(stored(untaught)))  # 0.7 of the loss were the teacher's


def test_int8_of_a_version_trained_for_it_changes_hardly_a_label(store: Registry, parent: Version) -> None:
    version = made(parent, "int8", None, short(parent, "int8"), store)
    weights = [tensor for tensor in stored(version).values() if tensor.dim() > 1]
    assert len(weights) == 3 and all(map(on_the_grid, weights))
    assert not any(on_the_grid(tensor) for tensor in stored(parent).values() if tensor.dim() > 1)
    candidate = version.manifest.candidates["int8"]
    assert candidate.test_rows == 360 and candidate.labels_changed <= 5
    assert version.manifest.calibration == parent.manifest.calibration
    assert load_fastest(version.folder, version.manifest).labels == parent.manifest.labels


def test_a_recipe_recovers_at_a_tenth_of_the_rate_without_what_stops_or_freezes(parent: Version) -> None:
    train = TrainSpec(
        epochs=9, batch_size=8, learning_rate=0.5, schedule="plateau", validation=0.2, patience=2, unfreeze="head"
    )
    own = dataclasses.replace(parent.manifest.recipe, train=train, calibration=CalibrationSpec(held_out=9))
    taught = dataclasses.replace(parent, manifest=dataclasses.replace(parent.manifest, recipe=own))
    recipe = recipe_for(taught, "prune", BUNDLED, None)
    assert recipe.train == TrainSpec(epochs=2, batch_size=8, learning_rate=0.05, schedule="triangle")
    assert (recipe.publish_to, recipe.net, recipe.calibration) == ("digits", own.net, CalibrationSpec())
    assert recipe.finetune is not None and recipe.finetune.base == "digits@1"


def test_a_student_takes_its_teachers_pictures(parent: Version) -> None:
    """With a normalisation of its own, the student's recipe would have its teacher read pictures that it never saw."""
    strange = dataclasses.replace(STUDENT, input=InputSpec(mean=(0.9,), std=(0.01,)))
    recipe = recipe_for(parent, "distil", BUNDLED, strange)
    assert recipe.input == parent.manifest.input
    assert (recipe.net, recipe.train, recipe.data) == (STUDENT.net, STUDENT.train, BUNDLED)
    assert recipe.calibration == CalibrationSpec()


@pytest.mark.parametrize("amount", [-0.1, 1.0, 50, math.nan])
@pytest.mark.parametrize("way", ["prune", "distil"])
def test_an_amount_out_of_range_is_refused(store: Registry, parent: Version, way: Way, amount: float) -> None:
    with pytest.raises(RecipeRejected, match="--amount must be at least 0 and below 1"):
        made(parent, way, amount, short(parent, way, STUDENT if way == "distil" else None), store)


def test_other_labels_pictures_and_nets_than_the_parents_are_refused(
    store: Registry, parent: Version, tmp_path: Path
) -> None:
    recipe = short(parent, "prune")
    signs = DataSpec(source="files", path=str(sign_files(tmp_path / "signs", per_sign=5)))
    with pytest.raises(RecipeRejected, match="digits@1 reads other labels"):
        made(parent, "prune", None, dataclasses.replace(recipe, data=signs), store)
    with pytest.raises(RecipeRejected, match="the same pictures as its parent"):
        made(parent, "prune", None, dataclasses.replace(recipe, input=InputSpec(mean=(0.5,))), store)
    wider = dataclasses.replace(recipe.net, options={"hidden": 64})
    with pytest.raises(RecipeRejected, match="change nothing of net"):
        made(parent, "int8", None, dataclasses.replace(recipe, net=wider), store)
    assert not list(store.root.rglob(".staging-*"))


def test_every_layer_with_kernels_is_compressed() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    pruned = plain(prune(net, 0.5))
    assert int((kernels(pruned.state_dict()) == 0).sum()) == (36 + 8) // 2
    norm = pruned.get_submodule("1")
    assert bool((norm.get_parameter("weight") == 1).all())


def test_a_student_that_learned_nothing_is_no_first_champion_though_its_teacher_reads_no_more(
    store: Registry, parent: Version
) -> None:
    recipe = short(parent, "distil", dataclasses.replace(STUDENT, publish_to="digits-idle"))
    assert recipe.finetune is not None
    idle = dataclasses.replace(
        recipe,
        train=dataclasses.replace(recipe.train, learning_rate=1e-9),
        finetune=dataclasses.replace(recipe.finetune, max_loss=1.0),
    )
    version = made(parent, "distil", 0.5, idle, store)
    assert not version.manifest.accepted and store.aliases("digits-idle") == {}
    assert "must beat guessing" in version.manifest.gate


def test_what_a_compressed_version_learned_from_is_its_parents_too(store: Registry, parent: Version) -> None:
    version = made(parent, "prune", 0.1, short(parent, "prune"), store)
    assert of_version(version).sets == of_version(parent).sets != frozenset()
