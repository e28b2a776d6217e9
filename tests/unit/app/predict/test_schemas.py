"""A verdict as clients see it: every label in the model's order, or the best few first."""

import base64
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from app.inference.answer import Answer
from app.predict.schemas import bad_picture, named, reading_of
from models_store.errors import ImageRejected
from models_store.manifest import Calibration, Manifest
from models_store.pictures.prepare import Prepared
from models_store.pictures.warnings import PictureWarning
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import SHIPPED
from tests.unit.models_store.datasets.test_clean import unit


@pytest.fixture(scope="module")
def facts() -> Manifest:
    """Of a version with three labels that is sure from 0.9 on."""
    shipped = Registry(SHIPPED)
    manifest = shipped.resolve(Ref("digits", None, shipped.versions("digits")[0])).manifest
    return dataclasses.replace(manifest, labels=("9", "1", "7"), calibration=Calibration(threshold=0.9))


def answer(facts: Manifest, *probabilities: float, warnings: tuple[PictureWarning, ...] = ()) -> Answer:
    return Answer(Prepared(unit(1)[None], warnings), np.array(probabilities, np.float32), facts)


def test_every_label_is_there_in_the_models_order(facts: Manifest) -> None:
    reading = reading_of(answer(facts, 0.25, 0.125, 0.625), None, with_prepared=False)
    assert list(reading.probabilities.items()) == [("9", 0.25), ("1", 0.125), ("7", 0.625)]
    assert (reading.label, reading.confidence, reading.uncertain) == ("7", 0.625, True)
    assert reading.warnings == []
    assert (reading.prepared, reading.explanation) == (None, None)


@pytest.mark.parametrize(("top_k", "labels"), [(1, ["7"]), (2, ["7", "9"]), (1000, ["7", "9", "1"])])
def test_the_best_few_come_first(facts: Manifest, top_k: int, labels: list[str]) -> None:
    assert list(reading_of(answer(facts, 0.25, 0.125, 0.625), top_k, False).probabilities) == labels


def test_six_digits_behind_the_point_are_enough(facts: Manifest) -> None:
    reading = reading_of(answer(facts, 1 / 3, 2 / 3, 0.0), None, False)
    assert reading.probabilities == {"9": 0.333333, "1": 0.666667, "7": 0.0}
    assert reading.confidence == 0.666667


def test_what_the_preparation_noticed_is_told(facts: Manifest) -> None:
    reading = reading_of(answer(facts, 1, 0, 0, warnings=(PictureWarning.SEVERAL_MARKS,)), None, False)
    assert (reading.uncertain, reading.model_dump(mode="json")["warnings"]) == (True, ["several_marks"])


def test_what_the_model_saw_comes_back_to_the_pixel(facts: Manifest) -> None:
    reading = reading_of(answer(facts, 1, 0, 0), None, with_prepared=True)
    seen = Image.open(io.BytesIO(base64.b64decode(reading.prepared or "", validate=True)))
    assert seen.format == "PNG"
    assert np.array_equal(np.asarray(seen), unit(1))


def test_a_refused_picture_is_its_code_and_its_sentence() -> None:
    bad = bad_picture("7.png", ImageRejected("image_too_large", "The picture is too large. Send a smaller one."))
    assert bad.error == {"code": "image_too_large", "message": "The picture is too large. Send a smaller one."}
    assert bad.name == "7.png"


@pytest.mark.parametrize("name", ["7.png", None])
def test_a_reading_in_a_batch_has_a_name_and_nothing_that_was_not_asked_for(facts: Manifest, name: str | None) -> None:
    reading = reading_of(answer(facts, 1, 0, 0), None, False)
    dumped = named(name, reading).model_dump(exclude_unset=True)
    assert dumped == {"name": name, **reading.model_dump(exclude_none=True)}
    assert next(iter(dumped)) == "name"
