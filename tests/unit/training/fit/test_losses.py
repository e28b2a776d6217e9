"""What answers cost, as worked out by hand."""

import math

import pytest
import torch

from models_store.recipe import Recipe
from models_store.specs import DataSpec, NetSpec, TrainSpec
from tests.support.lessons import stripes
from training.data.rows import OUTLIER, Rows, join
from training.fit.epoch import Epoch
from training.fit.loop import fit
from training.fit.losses import of_answers, unlike
from training.fit.material import Material
from training.fit.measure import measure
from training.fit.runtime import Runtime
from training.nets.catalog import build

LOGITS = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5], [0.6, 0.3, 0.1]]))
TRUTH = torch.tensor([0, 2, OUTLIER])


def spec(loss: str = "cross_entropy", weight: float = 0.5, smoothing: float = 0.0) -> TrainSpec:
    return TrainSpec(
        epochs=1, batch_size=2, learning_rate=0.1, outlier_weight=weight, label_smoothing=smoothing, loss=loss,  # type: ignore[arg-type]
    )  # fmt: skip


def evenly(*probabilities: float) -> float:
    """Cross entropy with every label equally."""
    return -sum(map(math.log, probabilities)) / len(probabilities)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_outliers_should_be_answered_with_every_label_equally(weight: float) -> None:
    expected = (-math.log(0.7) - math.log(0.5) + weight * evenly(0.6, 0.3, 0.1)) / 3
    assert of_answers(LOGITS, TRUTH, spec(weight=weight)).item() == pytest.approx(expected)


def test_smoothing_is_for_labels_only() -> None:
    known = [
        0.9 * -math.log(p[label]) + 0.1 * evenly(*p) for p, label in (((0.7, 0.2, 0.1), 0), ((0.25, 0.25, 0.5), 2))
    ]
    expected = (sum(known) + 0.5 * evenly(0.6, 0.3, 0.1)) / 3
    assert of_answers(LOGITS, TRUTH, spec(smoothing=0.1)).item() == pytest.approx(expected)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_squared_errors_weigh_outliers_too(weight: float) -> None:
    known = (0.3**2 + 0.2**2 + 0.1**2) / 3 + (0.25**2 + 0.25**2 + 0.5**2) / 3
    outlier = ((0.6 - 1 / 3) ** 2 + (0.3 - 1 / 3) ** 2 + (0.1 - 1 / 3) ** 2) / 3
    loss = of_answers(LOGITS, TRUTH, spec("mse", weight)).item()
    assert loss == pytest.approx((known + weight * outlier) / 3, rel=1e-5)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_rows_that_all_show_labels_cost_the_same_whatever_the_weight(loss: str) -> None:
    costs = [of_answers(LOGITS[:2], TRUTH[:2], spec(loss, weight)).item() for weight in (0.0, 1.0)]
    assert costs[0] == costs[1]


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_outliers_alone_cost_least_where_nothing_is_favoured(loss: str) -> None:
    outlier = torch.full((2,), OUTLIER)
    even = of_answers(torch.zeros(2, 3), outlier, spec(loss)).item()
    assert even == pytest.approx(0.5 * math.log(3) if loss == "cross_entropy" else 0, abs=1e-6)
    assert of_answers(LOGITS[:2], outlier, spec(loss)).item() > even


def test_a_student_that_answers_as_its_teacher_costs_nothing() -> None:
    assert unlike(LOGITS, LOGITS).item() == pytest.approx(0, abs=1e-6)
    p, q = (torch.softmax(logits / 2, 1) for logits in (LOGITS, LOGITS.flip(1)))  # softened by 2, and worth 2 * 2
    expected = 4 * (q * (q / p).log()).sum().item() / 3
    assert unlike(LOGITS, LOGITS.flip(1)).item() == pytest.approx(expected, rel=1e-5)


def outliers(count: int) -> Rows:
    noise = torch.randint(0, 256, (count, 1, 28, 28), generator=torch.Generator().manual_seed(8), dtype=torch.uint8)
    return Rows(noise, torch.full((count,), OUTLIER))


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_accuracy_is_of_rows_that_show_a_label(loss: str) -> None:
    train = TrainSpec(epochs=4, batch_size=20, learning_rate=0.05, precision="float32", outlier_weight=1.0, loss=loss)  # type: ignore[arg-type]
    recipe = Recipe(publish_to="x", net=NetSpec(name="fast"), data=DataSpec(source="bundled"), train=train)
    rows, epochs = join(stripes(180), outliers(60)), list[Epoch]()
    torch.manual_seed(0)
    net = fit(build(recipe.net, recipe.input, 3), Material(rows), recipe, Runtime(on_epoch=epochs.append)).net
    assert 0.95 < epochs[-1].accuracy <= 1
    assert measure(net, rows, recipe, torch.device("cpu"))[1] == 1
    answers = net((outliers(30).pictures / 255 - 0.1307) / 0.3081).softmax(1)
    assert answers.max(1).values.median() < 0.6  # a third would be perfectly uncertain
