"""A learner's steps against what is worked out by hand, and its checkpoints, also those of an earlier release."""

import copy
import dataclasses
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models_store.recipe import Recipe
from models_store.specs import NetSpec, TrainSpec
from tests.support.lessons import recipe_of, stripes
from training.data.rows import OUTLIER
from training.errors import CheckpointRejected, TrainingDiverged
from training.fit.batches import Batch
from training.fit.epoch import Epoch
from training.fit.learner import Learner
from training.fit.material import Distillation, Material, Replay
from training.fit.runtime import Runtime
from training.nets.catalog import build

ROWS = stripes(24)
PLAIN = TrainSpec(
    epochs=3, batch_size=12, learning_rate=0.5, momentum=0.0, schedule="constant", precision="float32",
)  # fmt: skip
ALONE = Material(ROWS)
BATCH = Batch(ROWS.pictures[:12] / 255, ROWS.labels[:12])


def recipe(**changes: Any) -> Recipe:
    made = recipe_of(dataclasses.replace(PLAIN, **changes), "mlp")
    return dataclasses.replace(made, net=NetSpec(name="mlp", options={"hidden": 8, "second": 4}))


def net() -> nn.Module:
    torch.manual_seed(0)
    return build(recipe().net, recipe().input, 3)


def learner(material: Material = ALONE, **changes: Any) -> Learner:
    return Learner(net(), material, recipe(**changes), Runtime(), steps=2)


def weights(module: nn.Module) -> Tensor:
    return torch.cat([each.detach().flatten().clone() for each in module.parameters()])


def logits(module: nn.Module, pictures: Tensor) -> Tensor:
    answers: Tensor = module((pictures - 0.1307) / 0.3081)
    return answers


def gradient(loss: Callable[[nn.Module], Tensor]) -> Tensor:
    """Of a loss of the fresh net, by all its weights."""
    fresh = net()
    loss(fresh).backward()
    return torch.cat([each.grad.flatten() for each in fresh.parameters() if each.grad is not None])


def cross_entropy(module: nn.Module) -> Tensor:
    chosen = logits(module, BATCH.pictures).softmax(1)[range(12), BATCH.truth]
    return -chosen.log().mean()


def stepped(one: Learner, batch: Batch = BATCH) -> tuple[Tensor, Epoch]:
    """The weights after the only step of an epoch, and the epoch's numbers."""
    module = one.begin_epoch(1)
    rate = one.step(module, batch)
    one.end_epoch(rate, 1.5, None)
    return weights(module), one.history[0]


def test_a_step_goes_down_the_gradient_by_the_learning_rate() -> None:
    after, epoch = stepped(learner())
    assert torch.allclose(after, weights(net()) - 0.5 * gradient(cross_entropy), atol=1e-6)
    answers = logits(net(), BATCH.pictures).argmax(1)
    right = float((answers == BATCH.truth).float().mean())
    expected = Epoch(1, 3, cross_entropy(net()).item(), right, learning_rate=0.5, seconds=1.5)
    assert dataclasses.replace(epoch, loss=expected.loss) == expected
    assert epoch.loss == pytest.approx(expected.loss, rel=1e-5)


def test_a_clipped_gradient_has_the_norm_asked_for() -> None:
    after, _ = stepped(learner(clip=0.01))
    assert float((after - weights(net())).norm()) == pytest.approx(0.5 * 0.01, rel=1e-3)


def test_a_young_average_forgets_its_start() -> None:
    """After one step its decay is 2/11, however slow the recipe's."""
    one = learner(ema=0.999)
    after, _ = stepped(one)
    assert torch.allclose(weights(one.average), 2 / 11 * weights(net()) + 9 / 11 * after, atol=1e-6)


def test_a_teacher_has_its_share_of_the_loss() -> None:
    taught = torch.tensor([0.5, -1.0, 2.0]).expand(12, 3)
    asked = Distillation(lambda pictures: taught, 0.25)

    def loss(module: nn.Module) -> Tensor:
        p, q = ((values / 2).softmax(1) for values in (taught, logits(module, BATCH.pictures)))
        return 0.75 * cross_entropy(module) + 0.25 * 4 * (p * (p / q).log()).sum() / 12  # softened by 2, times 2 * 2

    after, epoch = stepped(learner(Material(ROWS, distillation=asked)))
    assert epoch.loss == pytest.approx(loss(net()).item(), rel=1e-5)
    assert torch.allclose(after, weights(net()) - 0.5 * gradient(loss), atol=1e-6)


def test_a_teacher_of_replayed_rows_is_asked_about_those_without_a_label_only() -> None:
    seen: list[Tensor] = []

    def teacher(pictures: Tensor) -> Tensor:
        seen.append(pictures)
        return logits(net(), pictures).detach()  # as the net itself says before its first step

    material = Material(ROWS, replay=Replay(ROWS, 8), distillation=Distillation(teacher, 1.0))
    batch = Batch(torch.cat([BATCH.pictures, ROWS.pictures[12:16] / 255]), BATCH.truth)
    after, epoch = stepped(learner(material), batch)
    assert torch.equal(seen[0], batch.pictures[12:])
    assert epoch.loss == pytest.approx(cross_entropy(net()).item(), rel=1e-5)  # who agrees costs nothing
    assert torch.allclose(after, weights(net()) - 0.5 * gradient(cross_entropy), atol=1e-5)


def test_accuracy_is_of_the_rows_that_show_a_label() -> None:
    truth = BATCH.truth.clone()
    truth[6:] = OUTLIER
    _, epoch = stepped(learner(), Batch(BATCH.pictures, truth))
    answers = logits(net(), BATCH.pictures).argmax(1)[:6]
    assert epoch.accuracy == pytest.approx(float((answers == truth[:6]).float().mean()))


def test_a_training_ends_with_its_epochs_or_after_patience_and_publishes_its_best() -> None:
    patient = learner(epochs=9, validation=0.2, patience=2)
    kept: list[Tensor] = []
    for number, loss in enumerate((0.9, 0.4, 0.5, 0.6), start=1):
        assert not patient.done
        patient.step(patient.begin_epoch(number), BATCH)
        patient.end_epoch(0.5, 1.0, (loss, 0.5))
        kept.append(weights(patient.average))
    assert patient.done
    assert torch.equal(weights(patient.finished().net), kept[1])
    through = learner(epochs=1)
    stepped(through)
    assert through.done and not through.finished().net.training


def test_numbers_that_are_none_are_told_at_the_end_of_the_epoch() -> None:
    one = learner()
    one.step(one.begin_epoch(1), BATCH)
    with pytest.raises(TrainingDiverged, match=r"in epoch 1: lower train\.learning_rate"):
        one.end_epoch(0.5, 1.0, (float("nan"), 0.5))
    with torch.no_grad():
        next(one.average.parameters()).fill_(float("inf"))
    with pytest.raises(TrainingDiverged, match="left the finite numbers"):
        one.finished()


RICH: dict[str, Any] = {
    "optimizer": "adamw",
    "learning_rate": 0.01,
    "ema": 0.9,
    "schedule": "plateau",
    "validation": 0.2,
    "patience": 2,
}


def half_way() -> Learner:
    one = learner(**RICH)
    one.step(one.begin_epoch(1), BATCH)
    one.end_epoch(0.01, 1.0, (0.7, 0.5))
    return one


def loaded(state: dict[str, Any]) -> dict[str, Any]:
    """As it comes from a file that may hold no code."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    read: dict[str, Any] = torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
    return read


def test_a_checkpoint_of_an_earlier_release_is_gone_on_from() -> None:
    unbroken = half_way()
    mine = copy.deepcopy(unbroken.state())
    earlier = {  # spelled out, as that release wrote it
        "net": mine["net"],
        "average": mine["average"],
        "improver": mine["improver"],
        "rates": {"scale": 0.5, "best": 0.7, "waited": 0},
        "best": {"loss": 0.7, "weights": mine["best"]["weights"]},
        "history": [
            {"number": 1, "epochs": 3, "loss": 0.9, "accuracy": 0.25, "learning_rate": 0.01, "seconds": 2.0,
             "validation_loss": 0.7, "validation_accuracy": 0.5},
        ],
        "half": False,
    }  # fmt: skip
    resumed = learner(**RICH)
    resumed.go_on_from(loaded(earlier))
    assert resumed.history == [Epoch(1, 3, 0.9, 0.25, 0.01, 2.0, 0.7, 0.5)]
    assert resumed.step(resumed.begin_epoch(2), BATCH) == pytest.approx(0.5 * 0.01)  # the rate had fallen


def test_what_a_checkpoint_holds_goes_on_to_the_same_bits() -> None:
    unbroken = half_way()
    state = loaded(unbroken.state())
    assert set(state) == {"net", "average", "improver", "rates", "best", "history", "half", "watched"}
    resumed = learner(**RICH)
    resumed.go_on_from(state)
    for one in (unbroken, resumed):
        one.step(one.begin_epoch(2), BATCH)
        one.end_epoch(0.01, 1.0, (0.8, 0.5))
    assert torch.equal(weights(unbroken.average), weights(resumed.average))
    assert unbroken.history == resumed.history
    assert torch.equal(weights(unbroken.finished().net), weights(resumed.finished().net))


@pytest.mark.parametrize("missing", ["net", "average", "improver", "rates", "best", "history", "half"])
def test_a_checkpoint_that_lacks_something_is_refused(missing: str) -> None:
    state = half_way().state()
    del state[missing]
    with pytest.raises(CheckpointRejected, match="--fresh"):
        learner(**RICH).go_on_from(state)


def test_a_checkpoint_of_another_net_is_refused() -> None:
    other = recipe_of(PLAIN, "mlp")
    wider = Learner(build(other.net, other.input, 3), Material(ROWS), other, Runtime(), steps=2)
    with pytest.raises(CheckpointRejected, match="another recipe"):
        wider.go_on_from(half_way().state())
