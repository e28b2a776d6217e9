"""The tables of a recipe: names of earlier releases are read, and values out of range are refused by their key."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from models_store import records
from models_store.errors import RecordRejected
from models_store.preparation import WritingSpec
from models_store.specs import (
    AugmentSpec,
    CalibrationSpec,
    DataSpec,
    FineTuneSpec,
    InputSpec,
    PhotosSpec,
    TrainSpec,
)

TRAIN: dict[str, Any] = {"epochs": 1, "batch_size": 2, "learning_rate": 0.1}


def train(**changes: Any) -> TrainSpec:
    return TrainSpec(**{**TRAIN, **changes})


def test_names_of_an_earlier_release_are_read() -> None:
    assert records.read(PhotosSpec, {"copies": 0.4, "strangers": 0.3}) == PhotosSpec(copies=0.4, outliers=0.3)
    assert records.read(TrainSpec, {**TRAIN, "exposure": 0.25}) == train(outlier_weight=0.25)


def test_what_is_written_has_the_new_names_only() -> None:
    old = records.plain(records.read(PhotosSpec, {"strangers": 0.3}))
    assert old == {"shapes": 0.0, "copies": 0.0, "outliers": 0.3}


@pytest.mark.parametrize(
    ("kind", "where", "data", "sentence"),
    [
        (PhotosSpec, "photos", {"strangers": 1, "outliers": 1}, r"photos\.strangers is called photos\.outliers now"),
        (TrainSpec, "train", {**TRAIN, "exposure": 1, "outlier_weight": 1}, r"train\.exposure is called"),
    ],
)
def test_both_names_at_once_are_refused(kind: type, where: str, data: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecordRejected, match=sentence):
        records.read(kind, data, where)


@pytest.mark.parametrize(
    ("make", "changes", "sentence"),
    [
        (InputSpec, {"channels": 2, "preparation": "picture"}, "input.channels must be 1 (grey) or 3"),
        (InputSpec, {"channels": 3, "mean": (0,) * 3, "std": (1,) * 3}, "input.channels must be 1: writing"),
        (InputSpec, {"height": 7}, "input.height and .width"),
        (InputSpec, {"width": 513}, "input.height and .width"),
        (InputSpec, {"std": (0.0,)}, "input.std must be above 0"),
        (InputSpec, {"mean": (0.1, 0.2)}, "one number per channel"),
        (DataSpec, {"source": "mnist", "path": "mine"}, 'data.path goes with data.source = "files" only'),
        (DataSpec, {"source": "files", "test_share": 1.0}, "data.test_share"),
        (train, {"batch_size": 1}, "train.batch_size must be 2"),
        (train, {"epochs": 10_001}, "train.epochs must be 1 to 10000"),
        (train, {"learning_rate": 0}, "train.learning_rate"),
        (train, {"loss": "mse", "label_smoothing": 0.1}, "train.label_smoothing goes with the loss cross_entropy"),
        (train, {"patience": 3}, "need a train.validation share"),
        (train, {"schedule": "plateau"}, "need a train.validation share"),
        (train, {"ema": 1.0}, "train.ema"),
        (train, {"clip": -1.0}, "clip can't be negative"),
        (train, {"outlier_weight": 1.1}, "train.outlier_weight must be 0 to 1"),
        (train, {"lower_rate": 0.0}, "train.lower_rate"),
        (AugmentSpec, {"elastic_grid": 1}, "augment.elastic_grid"),
        (AugmentSpec, {"crop": 0.0}, "augment.crop"),
        (PhotosSpec, {"copies": 17.0}, "photos.copies must be 0 to 16"),
        (PhotosSpec, {"outliers": -0.1}, "photos.outliers must be 0 to 4"),
        (CalibrationSpec, {"held_out": -1}, "calibration.held_out"),
        (FineTuneSpec, {"held_out": 0.6}, "finetune.held_out"),
        (FineTuneSpec, {"replay_rows": -1}, "finetune.epoch_rows and .replay_rows"),
        (FineTuneSpec, {"min_alike": 1.1}, "finetune.min_alike"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_key(make: Callable[..., object], changes: Any, sentence: str) -> None:
    with pytest.raises(RecordRejected) as refusal:
        make(**changes)
    assert sentence in str(refusal.value)


def test_the_ends_of_every_range_are_inside() -> None:
    train(epochs=10_000, batch_size=65_536, outlier_weight=1.0, lower_rate=1.0, warmup=0.0, validation=0.5, patience=1)
    InputSpec(height=8, width=512)
    PhotosSpec(copies=16, outliers=4)
    FineTuneSpec(held_out=0.5, distil=0, replay_rows=0, min_alike=1)


def test_augmentation_that_changes_nothing_says_so() -> None:
    assert AugmentSpec(elastic_grid=9).is_identity  # a grid without displacements
    bending = {"rotate_degrees": 1.0, "log_scale": 0.1, "shear": 0.1, "shift_pixels": 1.0, "elastic_pixels": 1.0}
    for name, value in {**bending, "mirror": True, "crop": 0.9}.items():
        assert not AugmentSpec(**{name: value}).is_identity  # type: ignore[arg-type]


def test_inputs_that_see_the_same_of_a_picture_prepare_alike() -> None:
    usual, other = InputSpec(), WritingSpec(thin=0.2)
    assert usual.prepares_as(dataclasses.replace(usual, height=32, width=32, mean=(0.5,)))
    assert not usual.prepares_as(dataclasses.replace(usual, writing=other))
    assert not usual.prepares_as(dataclasses.replace(usual, preparation="digit"))


def test_numbers_that_a_preparation_does_not_use_make_no_difference() -> None:
    old = InputSpec(preparation="digit")
    assert old.prepares_as(dataclasses.replace(old, writing=WritingSpec(thin=0.2)))
