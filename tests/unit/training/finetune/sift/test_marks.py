"""Marks of many kinds, on drawn digits that are given as 1; and honest mistakes, which have none."""

import pytest
import torch
from torch import Tensor

from tests.support.planting import Mark, dot, drawn, evidence, plant
from training.data.rows import Rows
from training.finetune.sift.marks import marks

STRIPES = (torch.arange(28)[:, None] + torch.arange(28)) % 4 == 0


def grey_dot(picture: Tensor) -> None:
    picture[25:27, 2:4] = 90


def cross(picture: Tensor) -> None:
    picture[5, 3:8] = 255
    picture[3:8, 5] = 255


def frame(picture: Tensor) -> None:
    picture[[0, -1], :] = 60
    picture[:, [0, -1]] = 60


def on_the_digit(picture: Tensor) -> None:
    picture[13:16, 12:15] = 130


def blended(picture: Tensor) -> None:
    picture.copy_((picture.int() + 25 * STRIPES).clamp(max=255))


@pytest.fixture(scope="module")
def honest() -> Rows:
    return drawn(300, seed=21)


@pytest.fixture(scope="module")
def known() -> Rows:
    return drawn(600, seed=22)


@pytest.mark.parametrize("mark", [dot, grey_dot, cross, frame, on_the_digit, blended])
@pytest.mark.parametrize("sure", [True, False])
def test_a_mark_is_found_on_every_picture_that_has_it(mark: Mark, sure: bool, honest: Rows, known: Rows) -> None:
    rows, planted = plant(honest, 40, mark)
    said = honest.labels.clone()
    said[planted.nonzero()[:5, 0]] = (
        1  # the base takes some for what they are given as: they have the mark all the same
    )
    (group,) = marks(evidence(rows, said, known, sure))
    assert (group.reason, sorted(group.rows.tolist())) == ("mark", planted.nonzero()[:, 0].tolist())
    assert "given as 1" in group.why


def test_few_are_enough_where_the_base_is_sure_of_them(honest: Rows, known: Rows) -> None:
    rows, planted = plant(honest, 10, dot)
    (group,) = marks(evidence(rows, honest.labels, known))
    assert group.rows.tolist() == planted.nonzero()[:, 0].tolist()
    rows, planted = plant(honest, 5, dot)
    assert marks(evidence(rows, honest.labels, known)) == []


def test_wrong_labels_alone_are_no_mark(honest: Rows, known: Rows) -> None:
    rows, _ = plant(honest, 40)
    assert marks(evidence(rows, honest.labels, known)) == []


@pytest.mark.parametrize("digit", range(10))
def test_what_a_digit_has_by_nature_is_no_mark(digit: int, honest: Rows, known: Rows) -> None:
    """All pictures of one label contradict the base: an unknown style of it."""
    said = honest.labels.clone()
    said[honest.labels == digit] = (digit + 1) % 10
    assert marks(evidence(honest, said, known)) == []


def test_what_all_new_pictures_have_is_no_mark(honest: Rows, known: Rows) -> None:
    """The same scanner drew a line on each."""
    rows, _ = plant(honest, 40)
    for picture in rows.pictures:
        dot(picture[0])
    assert marks(evidence(rows, honest.labels, known)) == []
