"""What is told of pictures, from the examples that the interface's own document has."""

import dataclasses

import pytest

from digitserve.client.readings import Box, Correction, Digit, Number, Page, Prediction

BOX = {"x": 1, "y": 2, "width": 3, "height": 4}
LIKELY = [{"label": "4", "confidence": 0.9}, {"label": "9", "confidence": 0.1}]
DIGIT = {"label": "4", "confidence": 0.9, "uncertain": False, "box": BOX, "top": LIKELY}
NUMBER = {"text": "44", "confidence": 0.81, "uncertain": True, "box": BOX, "digits": [DIGIT, DIGIT]}
AROUND = {"id": "read_1", "model": "digits@2", "timing_ms": {"prepare": 1.5}}


def test_a_prediction_brings_pictures_as_bytes() -> None:
    said = {
        "label": "7",
        "confidence": 1,
        "uncertain": False,
        "probabilities": {"7": 1.0},
        "warnings": ["low_contrast"],
    }
    reading = {**said, "prepared": "iVBORw==", "explanation": None}
    found = Prediction.of(reading, AROUND)
    assert (found.prepared, found.explanation, found.warnings) == (b"\x89PNG", None, ("low_contrast",))
    assert (found.model, found.milliseconds) == ("digits@2", {"prepare": 1.5})
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.label = "1"  # type: ignore[misc]


def test_a_page_has_lines_of_numbers_of_digits() -> None:
    lines = [{"text": "44 44", "numbers": [NUMBER, NUMBER]}, {"text": "44", "numbers": [NUMBER]}]
    page = Page.of({**AROUND, "text": "44 44\n44", "lines": lines, "warnings": [], "width": 9, "height": 8})
    digit = Digit("4", 0.9, False, Box(1, 2, 3, 4), {"9": 0.1})
    assert [len(line) for line in page.lines] == [2, 1]
    assert page.numbers == (Number("44", 0.81, True, Box(1, 2, 3, 4), (digit, digit)),) * 3


def test_what_was_expected_of_a_number_is_told() -> None:
    number = {**NUMBER, "expected": "chosen", "digits": [{**DIGIT, "instead_of": "9"}]}
    lines = [{"text": "4", "numbers": [number]}]
    (found,) = Page.of({**AROUND, "text": "4", "lines": lines, "warnings": [], "width": 9, "height": 8}).numbers
    assert (found.expected, found.digits[0].instead_of) == ("chosen", "9")


def test_a_correction_of_an_older_server_lacks_what_is_new() -> None:
    found = Correction.of({"id": "fb-1", "model": "digits", "label": "7", "newer": 1})
    assert (found.replaced, found.held, found.read_by) == (None, None, None)
