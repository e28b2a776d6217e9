"""Uncertain pictures as clients see them."""

import pytest

from app.review.presenters import shown
from app.review.store import Waiting

PICTURE = Waiting(
    id="rv-1", created_at=1790000000.9, model="digits@1", label="3", confidence=0.5,
    probabilities={"9": 0.0, "5": 0.25, "3": 0.5, "8": 0.25},
)  # fmt: skip


def test_the_two_best_labels_come_first_and_equals_in_the_versions_order() -> None:
    guesses = [(guess.label, guess.probability) for guess in shown(PICTURE, None).best]
    assert guesses == [("3", 0.5), ("5", 0.25)]


def test_a_person_chooses_among_all_labels_in_the_versions_order() -> None:
    answer = shown(PICTURE, b"\x89PNG").model_dump()
    assert answer.pop("best")
    assert answer == {
        "id": "rv-1", "object": "review.picture", "created_at": 1790000000, "model": "digits@1", "label": "3",
        "confidence": 0.5, "labels": ["9", "5", "3", "8"], "thumbnail": "data:image/png;base64,iVBORw==",
    }  # fmt: skip


@pytest.mark.parametrize("thumbnail", [None, b""])
def test_a_picture_that_went_this_moment_has_no_thumbnail(thumbnail: bytes | None) -> None:
    assert shown(PICTURE, thumbnail).thumbnail is None
