"""Answers as tensors: the verdict's own label, confidence and doubt, in the manifest's order."""

import dataclasses

import numpy as np
import pytest

from app.inference.answer import Answer
from app.v2.asked import OUTPUTS, WantedOutput
from app.v2.outputs import outputs_of
from models_store.manifest import Calibration, Manifest
from models_store.pictures.prepare import Prepared
from models_store.pictures.warnings import PictureWarning
from models_store.refs import Ref
from models_store.registry import Registry

BLANK = Prepared(np.zeros((1, 28, 28), np.uint8), (PictureWarning.BLANK_IMAGE,))
SEEN = Prepared(np.zeros((1, 28, 28), np.uint8))


@pytest.fixture
def manifest(registry: Registry) -> Manifest:
    facts = registry.resolve(Ref("digits")).manifest
    return dataclasses.replace(facts, labels=("ä", "b", "c"), calibration=Calibration(threshold=0.6))


@pytest.fixture
def answers(manifest: Manifest) -> list[Answer]:
    rows = np.array([[0.125, 0.75, 0.125], [0.25, 0.25, 0.5], [0.0, 0.0, 1.0]], np.float32)
    return [Answer(how, row, manifest) for how, row in zip((SEEN, SEEN, BLANK), rows, strict=True)]


def test_every_output_has_a_row_for_each_picture(answers: list[Answer]) -> None:
    found = outputs_of(answers, [WantedOutput(name) for name in OUTPUTS])
    probabilities, label, confidence, uncertain = found
    assert [(one.name, one.datatype, one.shape) for one in found] == [
        ("probabilities", "FP32", (3, 3)), ("label", "BYTES", (3,)), ("confidence", "FP32", (3,)),
        ("uncertain", "BOOL", (3,)),
    ]  # fmt: skip
    assert list(probabilities.values) == [0.125, 0.75, 0.125, 0.25, 0.25, 0.5, 0, 0, 1]
    assert label.values == ["b", "c", "c"]
    assert list(confidence.values) == [0.75, 0.5, 1.0]
    assert list(uncertain.values) == [False, True, True]  # under the threshold; and blank, however sure
    assert label.packed() == b"\1\0\0\0b\1\0\0\0c\1\0\0\0c"
    assert uncertain.packed() == b"\0\1\1"
    assert probabilities.packed() == np.array(probabilities.values, "<f4").tobytes()


def test_they_come_in_the_order_and_in_the_way_that_is_wanted(answers: list[Answer]) -> None:
    found = outputs_of(answers, [WantedOutput("uncertain", True), WantedOutput("label")])
    assert [(one.name, one.is_packed) for one in found] == [("uncertain", True), ("label", False)]


@pytest.mark.parametrize(("classes", "each"), [(1, 1), (2, 2), (3, 3), (1000, 3)])
def test_a_classification_has_the_best_labels_first(answers: list[Answer], classes: int, each: int) -> None:
    (found,) = outputs_of(answers, [WantedOutput("probabilities", classes=classes)])
    assert (found.datatype, found.shape) == ("BYTES", (3, each))
    assert found.values[0] == "0.750000:1:b" and found.values[each] == "0.500000:2:c"
    if each > 1:
        assert found.values[1] == "0.125000:0:ä"  # of two alike the first
