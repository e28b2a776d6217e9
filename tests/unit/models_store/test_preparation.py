"""Every number of `writing` does what its line in WritingSpec says."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from models_store.errors import RecordRejected
from models_store.pictures.one import writing
from models_store.pictures.prepare import prepare
from models_store.pictures.warnings import PictureWarning
from models_store.preparation import WritingSpec
from models_store.specs import InputSpec
from tests.support import layout
from tests.support.pictures import png
from training.synthetic import photos
from training.synthetic import strokes as draw

SIZE = 200, 300
BAR = np.ones((60, 10), np.float32)
SEVEN = np.zeros((60, 40), np.float32)
SEVEN[:10] = SEVEN[:, 30:] = 1


def sheet(*marks: tuple[layout.Strokes, int, int], ground: int = 250, ink: int = 30) -> layout.Grey:
    """Marks with their top and left, on paper: uint8 [H, W, 3]."""
    levels = np.full(SIZE, float(ground))
    for strokes, top, left in marks:
        levels += layout.placed(strokes, SIZE, top, left, 0, ink - ground)
    return np.repeat(layout.grey(levels)[..., None], 3, axis=2)


def found(picture: layout.Grey, **numbers: Any) -> writing.FoundWriting:
    seen = writing.find(picture, WritingSpec(**{"thin": 0.0, **numbers}))
    assert seen is not None
    return seen


def aspect(seen: writing.FoundWriting) -> float:
    height, width = seen.strokes.shape
    return float(width / height)


OTHERS = {
    "overview": 64, "closeup": 64, "ground": 0.05, "ground_wide": 0.05, "weak": 0.1, "strong": 0.4,
    "near": 0.0, "speck": 0.9, "rival": 0.9, "thin": 0.3, "faint": 0.6, "low_contrast": 1.0,
}  # fmt: skip


def test_no_number_is_forgotten_here() -> None:
    assert set(OTHERS) == {field.name for field in dataclasses.fields(WritingSpec)}


@pytest.mark.parametrize("name", OTHERS)
def test_every_number_changes_what_some_picture_shows(name: str) -> None:
    specs = [InputSpec(writing=WritingSpec(**some)) for some in ({}, {name: OTHERS[name]})]  # type: ignore[arg-type]
    units = draw.units(per_digit=8, seed=3)[:, 0]
    rng = np.random.default_rng(4)
    two_marks = sheet((SEVEN, 60, 130), (SEVEN[:40], 70, 240))  # photographs show but one
    in_parts = sheet((SEVEN, 60, 130), (BAR[:20], 125, 160))  # and of one piece
    dull = sheet((SEVEN * 0.5, 60, 130), (BAR[:14], 20, 40))  # half as dark as what is smaller
    pictures = (
        png(picture) for picture in (two_marks, in_parts, dull, *(photos.photograph(unit, rng) for unit in units))
    )
    seen = ([prepare(picture, spec) for spec in specs] for picture in pictures)
    assert any(one.warnings != other.warnings or (one.pixels != other.pixels).any() for one, other in seen)


def test_a_hair_is_seen_where_the_overview_is_large_enough() -> None:
    hair = sheet((BAR[:, :1], 60, 140))
    assert writing.find(hair, WritingSpec(overview=32)) is None  # a tenth of a pixel wide
    assert aspect(found(hair, overview=300)) < 0.1


def test_the_close_up_has_its_pixels() -> None:
    large = sheet((np.ones((160, 30), np.float32), 20, 120))
    assert max(found(large, closeup=200).strokes.shape) == pytest.approx(
        2.5 * max(found(large, closeup=80).strokes.shape), rel=0.05
    )


def test_marks_apart_belong_together_up_to_near() -> None:
    parted = sheet((BAR, 60, 140), (BAR[:20], 130, 140))  # a gap of 10 pixels: 1/6 of the bar
    assert aspect(found(parted, near=0.22)) == pytest.approx(10 / 90, abs=0.03)
    assert aspect(found(parted, near=0.1)) == pytest.approx(10 / 60, abs=0.03)


def test_marks_below_the_speck_are_dirt() -> None:
    dotted = sheet((BAR, 60, 140), (BAR[:6], 126, 140))  # a tenth of the bar's ink
    assert aspect(found(dotted, speck=0.05)) == pytest.approx(10 / 72, abs=0.02)
    assert aspect(found(dotted, speck=0.2)) == pytest.approx(10 / 60, abs=0.02)


def test_a_mark_from_the_rival_share_on_makes_several() -> None:
    other = sheet((SEVEN, 60, 130), (SEVEN[:40], 70, 240))  # three quarters of the 7's ink
    assert found(other, rival=0.35).several
    assert not found(other, rival=0.9).several


def test_thin_strokes_become_as_wide_as_thin() -> None:
    bar = sheet((np.ones((80, 4), np.float32), 60, 140))
    plain, wide = found(bar, thin=0.0), found(bar, thin=0.2)
    assert aspect(plain) == pytest.approx(4 / 80, abs=0.03)
    assert aspect(wide) == pytest.approx(0.2 * 80 / 92, abs=0.04)  # it grows all around
    thick = sheet((np.ones((80, 24), np.float32), 60, 140))
    assert (found(thick, thin=0.0).strokes == found(thick, thin=0.2).strokes).all()


def test_ink_below_faint_is_none_and_below_low_contrast_is_warned_of() -> None:
    faint = sheet((BAR, 60, 140), ground=200, ink=160)  # a contrast of 0.2
    assert found(faint).contrast == pytest.approx(0.2, abs=0.02)
    assert writing.find(faint, WritingSpec(faint=0.3)) is None
    for share, warnings in ((0.15, ()), (0.3, (PictureWarning.LOW_CONTRAST,))):
        assert prepare(png(faint), InputSpec(writing=WritingSpec(low_contrast=share))).warnings == warnings


def test_weak_ink_counts_from_weak_on() -> None:
    fading = sheet((BAR, 60, 140), (BAR[:30] * 0.5, 120, 140))  # goes on half as dark
    assert aspect(found(fading, weak=0.35)) == pytest.approx(10 / 90, abs=0.02)
    assert aspect(found(fading, weak=0.6, strong=0.6)) == pytest.approx(10 / 60, abs=0.02)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"overview": 31}, "sides must be 32 to 1024"),
        ({"closeup": 2000}, "sides must be 32 to 1024"),
        ({"ground": 0.0}, "grounds must be above 0"),
        ({"ground_wide": 1.1}, "grounds must be above 0"),
        ({"weak": 0.7}, "weak <= strong"),
        ({"weak": 0.0}, "weak <= strong"),
        ({"thin": 1.1}, "shares must be 0 to 1"),
        ({"speck": -0.1}, "shares must be 0 to 1"),
    ],
)
def test_numbers_out_of_range_are_refused(numbers: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecordRejected, match=sentence):
        WritingSpec(**numbers)
