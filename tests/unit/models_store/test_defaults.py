"""What a fine-tuning does unless one says otherwise: the service and the command line get the same."""

from pathlib import Path

import pytest

from app.jobs.job import FEEDBACK
from app.jobs.options import recipe_of
from app.jobs.request import JobRequest
from models_store.defaults import rate_for, recipe_for, usual_rate
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import AugmentSpec, InputSpec
from tests.conftest import republished
from training.commands import finetune_recipe, parser

WORDS = ("train", "crossval", "finetune", "compress", "search", "evaluate", "compare", "export", "import", "examples")
OPTIMIZERS = ("auto", "adamw", "adam", "sgd", "rmsprop", "adagrad")


@pytest.fixture
def base(registry: Registry) -> Version:
    return registry.resolve(Ref("digits"))


def typed(base: Version, corrections: bool, *words: str) -> Recipe:
    """The recipe of `python -m training finetune digits --data x ...`."""
    line = parser(dict.fromkeys(WORDS, print), Path("store"), Path("data"))
    flags = ["--corrections"] if corrections else []
    options = line.parse_args(["finetune", "digits", "--data", "x", *flags, *words])
    return finetune_recipe(recipe_for(base, "x", None, corrections=options.corrections), options)


def asked(base: Version, corrections: bool, **supervised: object) -> Recipe:
    """The recipe of a request to the service."""
    method = {"type": "supervised", "supervised": supervised}
    file = FEEDBACK if corrections else "file-1"
    request = JobRequest.model_validate({"model": "digits", "training_file": file, "method": method})
    return recipe_of(base, request, "ftjob-1", min_accuracy=0.8)


@pytest.mark.parametrize("suffix", [None, "mine"])
def test_the_recipe_starts_from_the_base(base: Version, suffix: str | None) -> None:
    recipe = recipe_for(base, "new", suffix)
    assert recipe.publish_to == ("digits" if suffix is None else "digits-mine")
    assert recipe.finetune is not None and recipe.finetune.base == "digits@1"
    assert (recipe.net.name, recipe.input) == (base.manifest.net, base.manifest.input)
    assert (recipe.data.source, recipe.data.path) == ("files", "new")
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize("corrections", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_service_and_the_command_line_get_the_same(base: Version, optimizer: str, corrections: bool) -> None:
    words = [] if optimizer == "auto" else ["--set", f"train.optimizer={optimizer}"]
    here, there = typed(base, corrections, *words), asked(base, corrections, optimizer=optimizer)
    assert here.train == there.train
    assert here.augment == there.augment
    assert here.finetune is not None and there.finetune is not None
    assert here.finetune.replay_rows == there.finetune.replay_rows
    assert here.train.optimizer == ("adamw" if optimizer == "auto" else optimizer)


def test_corrections_are_learned_at_half_the_rate_and_more_is_repeated(base: Version) -> None:
    usual, careful = recipe_for(base, "x", None), recipe_for(base, "x", None, corrections=True)
    assert usual.finetune is not None and careful.finetune is not None
    assert (usual.train.learning_rate, careful.train.learning_rate) == (0.002, 0.001)
    assert (usual.finetune.replay_rows, careful.finetune.replay_rows) == (16, 64)
    assert rate_for("sgd") == usual_rate("sgd") == 2 * rate_for("sgd", corrections=True) == 0.02


def test_a_rate_that_is_given_holds_whatever_the_optimizer(base: Version) -> None:
    given = typed(base, True, "--set", "train.learning_rate=0.3", "--set", "train.optimizer=sgd")
    assert (given.train.optimizer, given.train.learning_rate) == ("sgd", 0.3)
    doubled = asked(base, True, optimizer="sgd", hyperparameters={"learning_rate_multiplier": 2.0})
    assert doubled.train.learning_rate == pytest.approx(0.04)  # of the usual rate, also for corrections


def test_whole_pictures_are_not_bent_as_digits_are(registry: Registry, base: Version) -> None:
    whole = republished(registry, input=InputSpec(preparation="picture"))
    assert recipe_for(whole, "x", None).augment == AugmentSpec()
    assert recipe_for(base, "x", None).augment.rotate_degrees == 12
