"""The verdict: the threshold, the best two labels together, and what the preparation noticed."""

import dataclasses

import numpy as np
import pytest

from app.inference import verdict
from models_store.manifest import Calibration, Manifest
from models_store.pictures.many.page import DigitCandidate, PreparedPage
from models_store.pictures.marks import BoundingBox
from models_store.pictures.prepare import Prepared
from models_store.pictures.warnings import PictureWarning
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import SHIPPED

PIXELS = np.zeros((1, 28, 28), np.uint8)


@pytest.fixture(scope="module")
def facts() -> Manifest:
    """Of a version with three labels."""
    shipped = Registry(SHIPPED)
    manifest = shipped.resolve(Ref("digits", None, shipped.versions("digits")[0])).manifest
    return dataclasses.replace(manifest, labels=("1", "7", "9"))


def manifest_with(facts: Manifest, **calibration: float) -> Manifest:
    return dataclasses.replace(facts, calibration=Calibration(**calibration))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("probabilities", "uncertain", "foreign"),
    [
        ([0.95, 0.03, 0.02], False, False),
        ([0.8125, 0.15, 0.0375], False, False),
        ([0.79, 0.2, 0.01], True, False),  # a digit that wavers between two
        ([0.02, 0.49, 0.49], True, False),
        ([0.6, 0.2, 0.2], True, True),  # among many
        ([0.34, 0.33, 0.33], True, True),
        ([0.82, 0.08, 0.1], False, False),
    ],
)
def test_who_wavers_between_two_is_uncertain_and_among_many_no_digit(
    facts: Manifest, probabilities: list[float], uncertain: bool, foreign: bool
) -> None:
    manifest = manifest_with(facts, threshold=0.8, plausible=0.9)
    said = verdict.of_picture(Prepared(PIXELS), np.array(probabilities, np.float32), manifest)
    assert said.uncertain == uncertain
    assert said.warnings == ((PictureWarning.NOT_A_DIGIT,) if foreign else ())
    assert said.label == ("1", "7", "9")[int(np.argmax(probabilities))]
    assert said.confidence == np.float32(max(probabilities))


def test_as_sure_as_the_threshold_asks_is_sure_enough(facts: Manifest) -> None:
    said = verdict.of_picture(
        Prepared(PIXELS), np.array([0.75, 0.25, 0], np.float32), manifest_with(facts, threshold=0.75)
    )
    assert not said.uncertain


def test_a_version_that_asks_nothing_of_the_two_best_finds_nothing_foreign() -> None:
    assert not verdict.is_out_of_distribution([0.1] * 10, Calibration(threshold=0.5))
    assert not verdict.is_out_of_distribution([0.85, 0.1, 0.05], Calibration(threshold=0.0, plausible=0.9))
    assert verdict.is_out_of_distribution([0.8, 0.05, 0.05, 0.05, 0.05], Calibration(threshold=0.0, plausible=0.9))


@pytest.mark.parametrize(
    ("warning", "uncertain"),
    [
        (PictureWarning.BLANK_IMAGE, True),
        (PictureWarning.SEVERAL_MARKS, True),
        (PictureWarning.LOW_CONTRAST, False),
    ],
)
def test_what_the_preparation_noticed_comes_first_and_may_decide(
    facts: Manifest, warning: PictureWarning, uncertain: bool
) -> None:
    manifest = manifest_with(facts, threshold=0.5)
    said = verdict.of_picture(Prepared(PIXELS, (warning,)), np.array([0.99, 0.01, 0], np.float32), manifest)
    assert (said.warnings, said.uncertain) == ((warning,), uncertain)


def test_a_blank_picture_is_not_called_foreign_too(facts: Manifest) -> None:
    blank = Prepared(PIXELS, (PictureWarning.BLANK_IMAGE,))
    said = verdict.of_picture(blank, np.full(3, 1 / 3, np.float32), manifest_with(facts, threshold=0.5, plausible=0.9))
    assert said.warnings == (PictureWarning.BLANK_IMAGE,)


def test_the_best_labels_come_first_and_equals_in_the_manifests_order(facts: Manifest) -> None:
    said = verdict.of_picture(Prepared(PIXELS), np.array([0.25, 0.5, 0.25], np.float32), facts)
    assert said.best(3) == [("7", 0.5), ("1", 0.25), ("9", 0.25)]
    assert list(said.probabilities) == ["1", "7", "9"]


def test_a_digit_that_another_touches_is_uncertain_however_well_it_reads(facts: Manifest) -> None:
    box = BoundingBox(0, 0, 20, 10)
    candidates = (DigitCandidate(box), DigitCandidate(box, touching=True), DigitCandidate(box))
    page = PreparedPage(40, 20, np.stack([PIXELS] * 3), candidates, 3, ())
    rows = np.array([[0.99, 0.01, 0], [0.99, 0.01, 0], [0.5, 0.3, 0.2]], np.float32)
    said = verdict.of_page(page, rows, manifest_with(facts, threshold=0.9))
    assert [one.uncertain for one in said] == [False, True, True]
    assert [one.label for one in said] == ["1", "1", "1"]


def test_a_page_without_digits_has_no_verdicts(facts: Manifest) -> None:
    page = PreparedPage(40, 20, np.zeros((0, 1, 28, 28), np.uint8), (), 0, (PictureWarning.BLANK_IMAGE,))
    assert verdict.of_page(page, np.zeros((0, 3), np.float32), facts) == []
    assert verdict.warnings_of_page(page, np.zeros((0, 3), np.float32), facts) == page.warnings


@pytest.mark.parametrize(
    ("rows", "none"),
    [
        ("ff f", True),
        ("fw w", True),
        ("ww f", False),
        ("fs f", False),
        ("ff s", False),  # a part of what can't be read whole
    ],
)
def test_a_page_of_doubtful_marks_of_which_half_are_no_digits_says_so(facts: Manifest, rows: str, none: bool) -> None:
    kinds = {"f": [0.5, 0.3, 0.2], "w": [0.5, 0.45, 0.05], "s": [0.95, 0.05, 0]}  # foreign, wavering, sure
    box = BoundingBox(0, 0, 20, 10)
    candidates = (DigitCandidate(box, parts=(2,)), DigitCandidate(box), DigitCandidate(box))
    page = PreparedPage(40, 20, np.stack([PIXELS] * 3), candidates, 2, (PictureWarning.LOW_CONTRAST,))
    said = np.array([kinds[kind] for kind in rows if kind != " "], np.float32)
    warnings = verdict.warnings_of_page(page, said, manifest_with(facts, threshold=0.9, plausible=0.9))
    assert warnings == ((*page.warnings, PictureWarning.NOT_A_DIGIT) if none else page.warnings)
