import math

import pytest
import torch

from training.fit.losses import unlike
from training.fit.mixup import blended


def test_unlike_answers_cost_what_a_hand_computes() -> None:
    """Logits halved: (2 ln 3, 0) is (3/4, 1/4) after it, and (0, 0) is (1/2, 1/2)."""
    taught, said = torch.tensor([[2 * math.log(3), 0.0]]), torch.zeros(1, 2)
    divergence = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert unlike(said, taught).item() == pytest.approx(4 * divergence)
    both = unlike(torch.cat([said, taught]), torch.cat([taught, taught]))
    assert both.item() == pytest.approx(4 * divergence / 2)  # the mean of the rows, one of which agrees


def test_the_first_half_becomes_blends_and_the_second_stays() -> None:
    """Each picture is a corner of its own, so that a blend shows what it was made of, and how much of each."""
    corners = torch.eye(10).view(10, 1, 2, 5)
    torch.manual_seed(3)
    found = blended(corners)
    assert torch.equal(found[5:], corners[5:])
    blends = found[:5].view(5, 10)
    assert torch.allclose(blends.sum(1), torch.ones(5))
    assert all(blends[row, row] > 0 and (blends[row] > 0).sum() <= 2 for row in range(5))
    assert (blends > 0).sum() > 5
    torch.manual_seed(3)
    assert torch.equal(blended(corners), found)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_blend_stay_as_they_are(count: int) -> None:
    pictures = torch.rand(count, 1, 4, 4)
    assert torch.equal(blended(pictures), pictures)
