import dataclasses
import itertools
from typing import Any

import pytest
import torch
from torch import nn

from models_store.specs import AugmentSpec, InputSpec, NetSpec, TrainSpec
from training.data import Rows
from training.errors import TrainingDiverged
from training.loop import Epoch, fit, triangle
from training.nets.catalog import build

PICTURE = InputSpec()
UNBENT = AugmentSpec()
SPEC = TrainSpec(epochs=3, batch_size=20, learning_rate=0.05)


def stripes(count: int, seed: int = 0) -> Rows:
    """Three labels: a bright stripe at one of three heights, on a noisy ground."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    pictures = torch.randint(0, 60, (count, 1, 28, 28), generator=generator, dtype=torch.uint8)
    for picture, label in zip(pictures, labels.tolist(), strict=True):
        picture[0, 4 + 7 * label : 9 + 7 * label, 6:22] = 230
    return Rows(pictures, labels)


def trained(
    rows: Rows, spec: TrainSpec = SPEC, seed: int = 1, name: str = "fast", augment: AugmentSpec = UNBENT
) -> tuple[nn.Module, list[Epoch]]:
    torch.manual_seed(0)
    epochs: list[Epoch] = []
    net = build(NetSpec(name=name), PICTURE, 3)
    return fit(net, rows, spec, augment, PICTURE, seed, torch.device("cpu"), epochs.append), epochs


def accuracy(net: nn.Module, rows: Rows) -> float:
    with torch.inference_mode():
        answers = net((rows.pictures / 255 - 0.1307) / 0.3081).argmax(1)
    return float((answers == rows.labels).float().mean())


def same_weights(left: nn.Module, right: nn.Module) -> bool:
    pairs = zip(left.state_dict().values(), right.state_dict().values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


def factors(rows: int = 50, **changes: Any) -> list[float]:
    spec = dataclasses.replace(TrainSpec(epochs=2, batch_size=10, learning_rate=0.1), **changes)
    at = triangle(spec, rows)
    return [at(step) for step in range(spec.epochs * -(-rows // spec.batch_size))]


def test_the_rate_climbs_to_1_and_falls_to_almost_0() -> None:
    rates = factors(warmup=0.4)  # 10 steps, 4 of them up
    assert rates[:4] == pytest.approx([0.25, 0.5, 0.75, 1])
    assert rates[3:] == sorted(rates[3:], reverse=True)
    falls = [before - after for before, after in itertools.pairwise(rates[4:])]
    assert falls == pytest.approx([falls[0]] * 5)
    assert 0 < rates[-1] < 0.2


@pytest.mark.parametrize("warmup", [0, 0.01, 0.25, 0.33, 0.9999])
def test_the_rate_stays_between_0_and_1(warmup: float) -> None:
    for rows, epochs in itertools.product((2, 10, 55, 1437), (1, 2, 7)):
        rates = factors(rows, warmup=warmup, epochs=epochs)
        assert min(rates) > 0
        assert max(rates) <= 1 + 1e-9


def test_without_a_warm_up_the_rate_only_falls() -> None:
    assert factors(warmup=0) == pytest.approx([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])


def test_the_rate_is_not_negative_after_the_end() -> None:
    assert triangle(dataclasses.replace(SPEC, warmup=0.4), 50)(1000) == 0


@pytest.mark.parametrize("name", ["fast", "cnn"])
@pytest.mark.parametrize("ema", [0.0, 0.99])
def test_a_small_set_is_learned(name: str, ema: float) -> None:
    net, epochs = trained(stripes(240), dataclasses.replace(SPEC, ema=ema, label_smoothing=0.05), name=name)
    assert not net.training
    assert accuracy(net, stripes(99, seed=5)) == 1
    assert [(epoch.number, epoch.epochs) for epoch in epochs] == [(1, 3), (2, 3), (3, 3)]
    assert epochs[-1].accuracy > 0.98
    assert epochs[-1].loss < epochs[0].loss


def test_bent_pictures_are_learned_too() -> None:
    net, _ = trained(stripes(240), augment=AugmentSpec(shift_pixels=1.5, rotate_degrees=5))
    assert accuracy(net, stripes(99, seed=5)) == 1


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not() -> None:
    rows, augment = stripes(60), AugmentSpec(shift_pixels=1)
    spec = dataclasses.replace(SPEC, epochs=1, ema=0.9)
    first, _ = trained(rows, spec, 1, augment=augment)
    torch.rand(7)  # whatever else drew random numbers
    assert same_weights(first, trained(rows, spec, 1, augment=augment)[0])
    assert not same_weights(first, trained(rows, spec, 2, augment=augment)[0])


def test_the_data_are_left_as_they_were() -> None:
    rows = stripes(40)
    before = Rows(rows.pictures.clone(), rows.labels.clone())
    trained(rows, augment=AugmentSpec(shift_pixels=1))
    assert torch.equal(rows.pictures, before.pictures)
    assert torch.equal(rows.labels, before.labels)


def test_weight_decay_shrinks_kernels_and_leaves_biases_and_norms_alone() -> None:
    still = TrainSpec(epochs=20, batch_size=60, learning_rate=1e-6, weight_decay=4e5)  # a gradient moves nothing
    torch.manual_seed(0)
    before = build(NetSpec(name="fast"), PICTURE, 3).state_dict()
    after = trained(stripes(60), still)[0].state_dict()
    for name, weights in before.items():
        if weights.dim() > 1:
            assert after[name].norm() < 0.2 * weights.norm(), name
        elif not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            assert torch.allclose(after[name], weights, atol=0.01), name


@pytest.mark.parametrize("rows", [41, 21, 39, 3])
def test_a_last_batch_of_one_row_is_no_problem_and_every_row_counts(rows: int) -> None:
    _, epochs = trained(stripes(rows), dataclasses.replace(SPEC, epochs=8))
    assert epochs[-1].accuracy * rows == pytest.approx(round(epochs[-1].accuracy * rows), abs=1e-6)
    assert 0 < epochs[-1].accuracy <= 1


def test_the_moving_average_is_published_as_worked_out_by_hand() -> None:
    one_step = TrainSpec(epochs=1, batch_size=60, learning_rate=0.05)
    torch.manual_seed(0)
    start = build(NetSpec(name="fast"), PICTURE, 3).state_dict()
    end = trained(stripes(60), one_step)[0].state_dict()
    average = trained(stripes(60), dataclasses.replace(one_step, ema=0.1))[0].state_dict()
    for name, weights in average.items():
        if name.endswith("num_batches_tracked"):
            assert int(weights) == 1
        else:
            assert torch.allclose(weights, 0.1 * start[name] + 0.9 * end[name], atol=1e-6), name


def test_the_moving_average_forgets_its_start_within_a_short_run() -> None:
    spec = dataclasses.replace(SPEC, ema=0.9999)
    assert accuracy(trained(stripes(240), spec)[0], stripes(99, seed=5)) == 1


@pytest.mark.parametrize("name", ["fast", "cnn"])
def test_an_absurd_learning_rate_is_told(name: str) -> None:
    with pytest.raises(TrainingDiverged, match=r"in epoch 1: lower train\.learning_rate"):
        trained(stripes(60), dataclasses.replace(SPEC, learning_rate=1e12), name=name)
