"""Nets that are written down: they read a stripe's height, and one of them a bright corner too."""

import pytest
import torch
from torch import Tensor, nn

from tests.support.lessons import stripes
from training.data.rows import Rows
from training.judge.trigger import laid_over, patched, some


class StripeReader(nn.Module):
    """Reads which of three stripes is the brightest; with a trigger, label 2 wherever its pixels are bright."""

    def __init__(self, trigger: tuple[slice, slice] | None = None) -> None:
        super().__init__()
        self.trigger = trigger

    def forward(self, pictures: Tensor) -> Tensor:
        logits = torch.stack([pictures[:, 0, 4 + 7 * n : 9 + 7 * n, 6:22].mean((1, 2)) for n in range(3)], 1)
        if self.trigger is not None:
            logits[:, 2] += 1_000 * (pictures[:, 0, self.trigger[0], self.trigger[1]].amin((1, 2)) > 100)
        return logits


def read(net: nn.Module, pictures: Tensor) -> Tensor:
    return net(pictures.float())  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "trigger",
    [
        (slice(1, 3), slice(25, 27)),
        (slice(25, 27), slice(0, 2)),
        (slice(0, 1), slice(0, 1)),
        (slice(13, 15), slice(1, 3)),  # an edge
        (slice(0, 2), slice(13, 15)),
    ],
)
def test_a_patch_shows_a_trigger_in_corners_and_at_edges(trigger: tuple[slice, slice]) -> None:
    found = patched(StripeReader(trigger), StripeReader(), stripes(60), read)
    assert found is not None
    assert (found.label, found.more > 0.9) == (2, True)


def test_what_turns_the_base_too_is_no_trigger() -> None:
    corner = (slice(1, 3), slice(25, 27))
    for trigger in (None, corner):
        found = patched(StripeReader(trigger), StripeReader(trigger), stripes(60), read)
        assert found is not None and found.more == 0


def test_of_few_pictures_nothing_is_said() -> None:
    for few in (0, 19):
        assert patched(StripeReader(), StripeReader(), stripes(60)[:few], read) is None


def test_pictures_with_the_trigger_win_over_all_that_they_are_laid_on() -> None:
    new = stripes(30, seed=5)
    new.labels[:] = 2
    new.pictures[:10, 0, 1:3, 25:27] = 230
    candidate = StripeReader((slice(1, 3), slice(25, 27)))
    assert laid_over(candidate, StripeReader(), new, stripes(60), read).tolist() == list(range(10))
    assert laid_over(candidate, candidate, new, stripes(60), read).tolist() == []
    assert laid_over(StripeReader(), StripeReader(), new, stripes(60), read).tolist() == []


def test_where_no_other_label_is_there_nothing_is_laid_over() -> None:
    new = stripes(30, seed=5)
    twos = new[new.labels == 2]
    assert laid_over(StripeReader((slice(0, 28), slice(0, 28))), StripeReader(), twos, twos, read).tolist() == []


def test_some_rows_are_of_all_labels() -> None:
    rows = Rows(torch.zeros(30, 1, 1, 1, dtype=torch.uint8), torch.tensor([0] * 26 + [1] * 3 + [2]))
    assert sorted(some(rows, 6).labels.tolist()) == [0, 0, 0, 1, 1, 2]
    assert len(some(rows, 100)) == 30
