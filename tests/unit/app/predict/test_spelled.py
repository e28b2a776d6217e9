"""A verdict as clients see it: every label in the model's order, or the best few first."""

import base64
import dataclasses
import io

import numpy as np
import orjson
import pytest
from PIL import Image

from app.inference.answer import Answer, Durations
from app.predict import spelled
from app.predict.schemas import BatchPrediction, Prediction
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
    reading = spelled.reading(answer(facts, 0.25, 0.125, 0.625), None, with_prepared=False)
    assert list(reading["probabilities"].items()) == [("9", 0.25), ("1", 0.125), ("7", 0.625)]
    assert list(reading) == ["label", "confidence", "uncertain", "probabilities", "warnings"]  # and no more
    assert (reading["label"], reading["confidence"], reading["uncertain"]) == ("7", 0.625, True)
    assert list(reading["warnings"]) == []


@pytest.mark.parametrize(("top_k", "labels"), [(1, ["7"]), (2, ["7", "9"]), (1000, ["7", "9", "1"])])
def test_the_best_few_come_first(facts: Manifest, top_k: int, labels: list[str]) -> None:
    assert list(spelled.reading(answer(facts, 0.25, 0.125, 0.625), top_k, False)["probabilities"]) == labels


def test_six_digits_behind_the_point_are_enough(facts: Manifest) -> None:
    reading = spelled.reading(answer(facts, 1 / 3, 2 / 3, 0.0), None, False)
    assert reading["probabilities"] == {"9": 0.333333, "1": 0.666667, "7": 0.0}
    assert reading["confidence"] == 0.666667


def test_what_the_preparation_noticed_is_told(facts: Manifest) -> None:
    reading = spelled.reading(answer(facts, 1, 0, 0, warnings=(PictureWarning.SEVERAL_MARKS,)), None, False)
    assert (reading["uncertain"], orjson.loads(orjson.dumps(reading))["warnings"]) == (True, ["several_marks"])


def test_what_the_model_saw_comes_back_to_the_pixel(facts: Manifest) -> None:
    reading = spelled.reading(answer(facts, 1, 0, 0), None, with_prepared=True)
    seen = Image.open(io.BytesIO(base64.b64decode(reading["prepared"], validate=True)))
    assert seen.format == "PNG"
    assert np.array_equal(np.asarray(seen), unit(1))


def test_a_refused_picture_is_its_code_and_its_sentence() -> None:
    bad = spelled.refusal(ImageRejected("image_too_large", "The picture is too large. Send a smaller one."))
    assert bad == {"error": {"code": "image_too_large", "message": "The picture is too large. Send a smaller one."}}


@pytest.mark.parametrize("with_prepared", [False, True])
def test_an_answer_has_the_shape_that_the_schema_promises(facts: Manifest, with_prepared: bool) -> None:
    """Nothing else checks it: it is written as it is."""
    seen = answer(facts, 0.25, 0.125, 0.625, warnings=(PictureWarning.LOW_CONTRAST,))
    reading = spelled.reading(seen, None, with_prepared)
    common = {"id": "pred_1", "model": "digits@1", "timing_ms": spelled.timing(Durations(0.001, 0.002, 0.003))}
    one = orjson.loads(orjson.dumps({**common, **reading}))
    assert Prediction.model_validate(one, strict=False).model_dump(mode="json", exclude_unset=True) == one
    bad = {"name": None, **spelled.refusal(ImageRejected("image_invalid", "It is none. Send another."))}
    many = orjson.loads(orjson.dumps({**common, "predictions": [{"name": "7.png", **reading}, bad], "passed_over": 0}))
    assert BatchPrediction.model_validate(many).model_dump(mode="json", exclude_unset=True) == many


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0.0, 0.0), (0.0012345, 1.234), (0.0000004, 0.0), (0.0000006, 0.001), (12.0, 12000.0)],
)
def test_a_second_is_a_thousand_milliseconds_to_the_microsecond(seconds: float, milliseconds: float) -> None:
    assert spelled.timing(Durations(seconds, 0, 0))["prepare"] == milliseconds


def test_each_part_of_the_time_stays_in_its_place() -> None:
    timing = spelled.timing(Durations(prepare=0.001, queue=0.002, infer=0.003))
    assert timing == {"prepare": 1.0, "queue": 2.0, "infer": 3.0}
