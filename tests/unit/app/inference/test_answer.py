"""The engine's answers: their verdicts are made when somebody asks for them, once."""

import dataclasses

import numpy as np
import pytest

from app.inference.answer import Answer, Answers, Durations, PageAnswer
from models_store.manifest import Calibration
from models_store.pictures.many.page import DigitCandidate, PreparedPage
from models_store.pictures.marks import BoundingBox
from models_store.pictures.prepare import Prepared
from models_store.registry import Version

PREPARED = Prepared(np.zeros((1, 28, 28), np.uint8))
NO_TIME = Durations(0, 0, 0)


def floats(*numbers: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(numbers, np.float32)


def test_a_verdict_is_of_the_version_that_computed_it(version: Version) -> None:
    said = Answer(PREPARED, floats(0.25, 0.75), version.manifest).verdict
    assert (said.label, said.confidence, said.uncertain) == ("7", 0.75, False)
    stricter = dataclasses.replace(version.manifest, calibration=Calibration(threshold=0.8))
    assert Answer(PREPARED, floats(0.25, 0.75), stricter).verdict.uncertain


def test_nobody_pays_for_a_verdict_that_nobody_asks_for(version: Version) -> None:
    answers = Answers(version, [Answer(PREPARED, floats(1.0, 0.0, 0.0), version.manifest)], NO_TIME)
    (wrong,) = answers.items  # three probabilities for two labels
    assert isinstance(wrong, Answer)
    with pytest.raises(ValueError, match="longer"):
        _ = wrong.verdict


def test_a_verdict_is_made_once(version: Version) -> None:
    answer = Answer(PREPARED, floats(0.25, 0.75), version.manifest)
    assert answer.verdict is answer.verdict


def test_a_page_has_a_verdict_for_each_candidate_in_their_order(version: Version) -> None:
    box = BoundingBox(0, 0, 20, 10)
    candidates = (DigitCandidate(box), DigitCandidate(box, touching=True), DigitCandidate(box))
    page = PreparedPage(40, 20, np.stack([PREPARED.pixels] * 3), candidates, 3, ())
    answer = PageAnswer(version, page, np.stack([floats(1, 0), floats(0, 1), floats(0.5, 0.5)]), NO_TIME)
    assert [(one.label, one.uncertain) for one in answer.verdicts] == [("1", False), ("7", True), ("1", True)]
    assert answer.verdicts is answer.verdicts
