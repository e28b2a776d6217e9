"""What is handed over to be kept for a person: uncertain pictures, and nothing that nobody could tell more of."""

from collections.abc import Mapping

import numpy as np
import pytest

from app.inference.answer import Answer, Answers, Durations
from app.inference.uncertain import hand_over
from models_store.errors import ImageRejected
from models_store.pictures.decode import Pixels
from models_store.pictures.prepare import Prepared
from models_store.pictures.warnings import PictureWarning
from models_store.registry import Version

PIXELS = np.full((1, 28, 28), 7, np.uint8)
BLANK = (PictureWarning.BLANK_IMAGE,)


class Remembering:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, bytes, Mapping[str, float]]] = []
        self.seen: list[Pixels] = []

    def __call__(self, ref: str, picture: bytes, probabilities: Mapping[str, float], pixels: Pixels) -> None:
        self.kept.append((ref, picture, dict(probabilities)))
        self.seen.append(pixels)


def item(version: Version, best: float, warnings: tuple[PictureWarning, ...] = ()) -> Answer:
    return Answer(Prepared(PIXELS, warnings), np.array([best, 1 - best], np.float32), version.manifest)


def answers(version: Version, *items: Answer | ImageRejected) -> Answers:
    return Answers(version, list(items), Durations(0, 0, 0))


def test_only_uncertain_pictures_are_kept_each_with_its_own_reading(version: Version) -> None:
    remembering, bad = Remembering(), ImageRejected("image_invalid", "It is damaged.")
    said = answers(version, item(version, 1.0), item(version, 0.5), bad, item(version, 0.25), item(version, 0.625))
    hand_over(remembering, said, [b"sure", b"half", b"bad", b"sure too", b"doubt"])
    assert remembering.kept == [
        (version.ref, b"half", {"1": 0.5, "7": 0.5}),
        (version.ref, b"doubt", {"1": 0.625, "7": 0.375}),
    ]
    assert all(np.array_equal(pixels, PIXELS) for pixels in remembering.seen)


def test_a_picture_that_is_uncertain_by_a_warning_is_kept(version: Version) -> None:
    remembering = Remembering()
    hand_over(remembering, answers(version, item(version, 1.0, (PictureWarning.SEVERAL_MARKS,))), [b"two"])
    assert [picture for _, picture, _ in remembering.kept] == [b"two"]


def test_a_blank_picture_is_not_kept(version: Version) -> None:
    remembering = Remembering()
    hand_over(remembering, answers(version, item(version, 0.5, BLANK)), [b"blank"])
    assert remembering.kept == []


def test_six_digits_behind_the_point_are_kept(version: Version) -> None:
    remembering = Remembering()
    hand_over(remembering, answers(version, item(version, 2 / 3)), [b"x"])
    assert remembering.kept[0][2] == {"1": 0.666667, "7": 0.333333}


def test_where_nobody_keeps_no_verdict_is_made(version: Version) -> None:
    wrong = Answer(Prepared(PIXELS), np.zeros(5, np.float32), version.manifest)  # for two labels
    hand_over(None, answers(version, wrong), [b"x"])
    with pytest.raises(ValueError, match="longer"):
        hand_over(Remembering(), answers(version, wrong), [b"x"])
