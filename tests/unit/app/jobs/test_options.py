"""What a request for a job becomes: every option reaches the recipe, and every recipe can be read by the training."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Unprocessable
from app.jobs.options import described, recipe_of
from app.jobs.request import JobRequest
from models_store.defaults import recipe_for
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import SHIPPED
from models_store.specs import AugmentSpec, FineTuneSpec

BASE = Registry(SHIPPED).resolve(Ref("digits", None, 2))
NUMBERS = {"n_epochs": 7, "batch_size": 8, "learning_rate_multiplier": 0.5}


def request(**fields: Any) -> JobRequest:
    return JobRequest.model_validate({"model": "digits", "training_file": "file-1", **fields})


def recipe(**fields: Any) -> Recipe:
    return recipe_of(BASE, request(**fields), "ftjob-1", min_accuracy=0.9)


def learned(**options: Any) -> Recipe:
    return recipe(method={"type": "supervised", "supervised": options})


def finetune(made: Recipe) -> FineTuneSpec:
    assert made.finetune is not None
    return made.finetune


def test_a_request_without_options_is_what_the_command_line_does() -> None:
    made, usual = recipe(), recipe_for(BASE, "file-1", None)
    assert (made.train, made.augment, made.net, made.seed) == (usual.train, usual.augment, usual.net, usual.seed)
    assert (made.publish_to, made.data.path) == ("digits", "file-1")
    assert finetune(made) == FineTuneSpec(base="digits@2", job="ftjob-1", min_accuracy=0.9)


@pytest.mark.parametrize("fields", [
    {"hyperparameters": NUMBERS},
    {"method": {"type": "supervised", "supervised": {"hyperparameters": NUMBERS}}},
    {"hyperparameters": NUMBERS, "method": {"type": "supervised", "supervised": {"hyperparameters": NUMBERS}}},
])  # fmt: skip
def test_openais_numbers_may_stand_in_both_places(fields: dict[str, Any]) -> None:
    train, usual = recipe(**fields).train, recipe().train
    assert (train.epochs, train.batch_size) == (7, 8)
    assert train.learning_rate == pytest.approx(usual.learning_rate / 2)


def test_two_places_that_differ_are_refused() -> None:
    inner = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 8}}}
    with pytest.raises(Unprocessable) as refused:
        recipe(hyperparameters={"n_epochs": 7}, method=inner)
    assert refused.value.param == "hyperparameters"


def test_auto_and_null_and_nothing_are_one() -> None:
    words = {"n_epochs": "auto", "batch_size": None, "learning_rate_multiplier": "auto"}
    assert recipe(hyperparameters=words, method=None, suffix=None, seed=None, metadata=None) == recipe()
    options = ("unfreeze", "optimizer", "loss", "schedule", "augment", "early_stopping", "replay")
    assert learned(**dict.fromkeys(options, "auto")) == recipe()


def test_every_option_reaches_the_recipe() -> None:
    assert learned(unfreeze="head").train.unfreeze == "head"
    assert learned(unfreeze="last_block").train.unfreeze == "last_block"
    assert learned(optimizer="sgd").train.optimizer == "sgd"
    assert learned(augment="none").augment == AugmentSpec()
    assert learned(augment={"shear": 0.3}).augment == AugmentSpec(shear=0.3)
    assert finetune(learned(replay="none")).replay_rows == 0
    assert finetune(learned(replay=5)).replay_rows == 5
    assert finetune(recipe(training_file="feedback")).replay_rows == 64 > finetune(recipe()).replay_rows
    rates = [recipe(training_file=file).train.learning_rate for file in ("feedback", "file-1")]
    assert rates[0] == rates[1] / 2
    asked = {"type": "supervised", "supervised": {"replay": 5}}
    assert finetune(recipe(training_file="feedback", method=asked)).replay_rows == 5
    assert finetune(recipe(validation_file="file-2")).validation == "file-2"
    assert recipe(seed=7).seed == 7
    assert recipe(suffix="mine").publish_to == "digits-mine"


def test_what_an_option_needs_comes_with_it() -> None:
    assert learned(loss="mse").train.label_smoothing == 0
    stopping = learned(early_stopping=4).train
    assert (stopping.patience, stopping.validation) == (4, 0.1)
    assert learned(early_stopping="none").train.validation == 0
    assert learned(schedule="plateau").train.validation == 0.1
    assert learned(schedule="step", hyperparameters={"n_epochs": 30}).train.step_epochs == 10
    assert learned(optimizer="sgd").train.learning_rate > recipe().train.learning_rate


def test_mirrored_digits_are_refused_by_name() -> None:
    with pytest.raises(Unprocessable) as refused:
        learned(augment={"mirror": True})
    assert refused.value.param == "method.supervised.augment"


def auto_or(*others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.just("auto"), *others)


AMOUNT = st.floats(0, 1)
ASKED = st.fixed_dictionaries({}, optional={
    "hyperparameters": st.fixed_dictionaries({}, optional={
        "n_epochs": auto_or(st.integers(1, 1000)),
        "batch_size": auto_or(st.integers(2, 4096)),
        "learning_rate_multiplier": auto_or(st.floats(0.001, 1000), st.integers(1, 1000)),
    }),
    "unfreeze": st.sampled_from(["auto", "head", "last_block", "all", "gradual"]),
    "optimizer": st.sampled_from(["auto", "sgd", "adam", "adamw", "rmsprop", "adagrad"]),
    "loss": st.sampled_from(["auto", "cross_entropy", "mse"]),
    "schedule": st.sampled_from(["auto", "triangle", "constant", "step", "cosine", "one_cycle", "plateau"]),
    "augment": auto_or(st.just("none"), st.fixed_dictionaries({}, optional={"shear": AMOUNT, "log_scale": AMOUNT})),
    "early_stopping": auto_or(st.just("none"), st.integers(1, 1000)),
    "replay": auto_or(st.just("none"), st.integers(1, 1024)),
    "promote": st.sampled_from(["never", "if_better"]),
})  # fmt: skip


@given(asked=ASKED, seed=st.none() | st.integers(0, 2**31 - 1))
@settings(max_examples=100, deadline=None)
def test_whatever_is_asked_is_a_recipe_and_what_is_shown_asks_for_the_same(asked: dict[str, Any], seed: int) -> None:
    sent = request(method={"type": "supervised", "supervised": asked}, seed=seed)
    made = recipe_of(BASE, sent, "ftjob-1", min_accuracy=0.8)
    assert Recipe.from_json(made.to_json()) == made
    shown = described(made, sent)
    again = recipe_of(BASE, request(method=shown["method"], seed=shown["seed"]), "ftjob-1", min_accuracy=0.8)
    assert again.train.learning_rate == pytest.approx(made.train.learning_rate, rel=1e-5)
    assert described(again, sent) == shown
