"""A bare net's loss and accuracy on rows as they are, against what is worked out by hand."""

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn

from models_store.recipe import Recipe
from tests.support.lessons import SPEC, recipe_of, same_weights, stripes, trained
from training.data.rows import OUTLIER, Rows, join
from training.fit.measure import measure
from training.nets.catalog import build

CPU = torch.device("cpu")


class Constant(nn.Module):
    """Answers every picture with the same logits, and notes how many came at a time and whether it was learning."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)
        self.sizes: list[int] = []
        self.pictures: list[Tensor] = []
        self.learning: list[bool] = []

    def forward(self, pictures: Tensor) -> Tensor:
        self.sizes.append(len(pictures))
        self.pictures.append(pictures)
        self.learning.append(self.training)
        return self.logits.expand(len(pictures), -1)


def recipe() -> Recipe:
    return recipe_of(SPEC, "mlp")


def outliers(count: int) -> Rows:
    noise = torch.randint(0, 256, (count, 1, 28, 28), generator=torch.Generator().manual_seed(8), dtype=torch.uint8)
    return Rows(noise, torch.full((count,), OUTLIER))


def test_loss_and_accuracy_of_a_net_that_always_says_the_same() -> None:
    loss, accuracy = measure(Constant(math.log(2), 0.0, 0.0), stripes(9), recipe(), CPU)  # says 0 with 1/2
    assert accuracy == pytest.approx(1 / 3)
    assert loss == pytest.approx((math.log(2) + 2 * math.log(4)) / 3)


def test_many_rows_are_measured_in_parts_and_every_row_weighs_the_same() -> None:
    net, rows = Constant(math.log(2), 0.0, 0.0), stripes(601)
    loss, accuracy = measure(net, rows, recipe(), CPU)
    zeros = int((rows.labels == 0).sum())
    assert net.sizes == [500, 101]
    assert accuracy == pytest.approx(zeros / 601)
    assert loss == pytest.approx((zeros * math.log(2) + (601 - zeros) * math.log(4)) / 601)


def test_pictures_are_normalised_as_the_recipe_says() -> None:
    net = Constant(0.0, 0.0, 0.0)
    measure(net, Rows(torch.full((1, 1, 28, 28), 51, dtype=torch.uint8), torch.zeros(1).long()), recipe(), CPU)
    assert torch.allclose(net.pictures[0], torch.full((1, 1, 28, 28), (0.2 - 0.1307) / 0.3081), atol=1e-6)


@pytest.mark.parametrize("learning", [True, False])
def test_the_net_does_not_learn_meanwhile_and_goes_on_as_it_was(learning: bool) -> None:
    constant = Constant(0.0, 0.0, 0.0).train(learning)
    measure(constant, stripes(9), recipe(), CPU)
    assert constant.learning == [False] and constant.training == learning
    net, _ = trained(stripes(40), dataclasses.replace(SPEC, epochs=1))
    again, _ = trained(stripes(40), dataclasses.replace(SPEC, epochs=1))
    measure(net.train(learning), stripes(9), recipe(), CPU)
    assert same_weights(net, again)  # nor count a batch norm's averages


def test_outliers_alone_are_measured_without_a_division_by_0() -> None:
    loss, accuracy = measure(build(recipe().net, recipe().input, 3), outliers(4), recipe(), CPU)
    assert (loss > 0, accuracy) == (True, 0)


def test_outliers_weigh_in_the_loss_and_not_in_the_accuracy() -> None:
    loss, accuracy = measure(Constant(0.0, 0.0, 0.0), join(stripes(3), outliers(3)), recipe(), CPU)
    assert accuracy == pytest.approx(1 / 3)
    assert loss == pytest.approx((3 + 0.5 * 3) * math.log(3) / 6)  # of an even answer, an outlier half
