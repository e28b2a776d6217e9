import copy
import dataclasses
import itertools
import math
from typing import Any

import pytest
import torch
from torch.optim import SGD, Optimizer, lr_scheduler

from models_store.specs import NetSpec, TrainSpec
from tests.support.lessons import PICTURE, SPEC
from training.fit.optimise import Rates, factor, optimizer, set_learning
from training.nets.catalog import blocks, build


def factors(rows: int = 50, **changes: Any) -> list[float]:
    spec = dataclasses.replace(TrainSpec(epochs=2, batch_size=10, learning_rate=0.1), **changes)
    steps = -(-rows // spec.batch_size)
    at = factor(spec, steps)
    return [at(step) for step in range(spec.epochs * steps)]


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
    assert factor(dataclasses.replace(SPEC, warmup=0.4), 3)(1000) == 0


def torchs(make: Any, steps: int) -> list[float]:
    """The rates that one of torch's own schedulers gives, for a rate of 1."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def test_the_schedules_are_those_of_torch() -> None:
    rates = factors(warmup=0.0, schedule="cosine")
    assert rates == pytest.approx(torchs(lambda it: lr_scheduler.CosineAnnealingLR(it, 10), 10))
    rates = factors(warmup=0.3, schedule="one_cycle")
    assert rates == pytest.approx(torchs(lambda it: lr_scheduler.OneCycleLR(it, 1.0, 10, pct_start=0.3), 10))
    rates = factors(epochs=6, schedule="step", step_epochs=2, step_factor=0.5)
    each_epoch = torchs(lambda it: lr_scheduler.StepLR(it, 2, 0.5), 6)
    assert rates == pytest.approx([rate for rate in each_epoch for _ in range(5)])
    assert factors(schedule="constant") == [1] * 10


def test_the_rate_falls_on_a_plateau_as_torch_has_it_and_goes_on_after_a_rest() -> None:
    losses = [1.0, 0.5, 0.6, 0.7, 0.4, 0.4, 0.4, 0.4, 0.3]
    spec = dataclasses.replace(SPEC, schedule="plateau", validation=0.1, step_epochs=2, step_factor=0.5)
    ours, theirs = (SGD([torch.zeros(1, requires_grad=True)], lr=1.0) for _ in range(2))
    ours.param_groups[0]["share"] = 1.0
    spec = dataclasses.replace(spec, learning_rate=1.0)
    rates = Rates(ours, spec, 1)
    reference = lr_scheduler.ReduceLROnPlateau(theirs, factor=0.5, patience=1, threshold=0)
    for epoch, loss in enumerate(losses):
        rates.epoch_ended(loss)
        reference.step(loss)
        state = rates.state_dict()
        rates = Rates(ours, spec, 1)
        rates.load_state_dict(state)
        assert rates.set(epoch) == pytest.approx(theirs.param_groups[0]["lr"])


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", "Adam"), ("adamw", "AdamW"), ("rmsprop", "RMSprop"), ("sgd", "SGD")]
)
def test_every_weight_is_in_one_group_and_only_kernels_decay(name: Any, kind: str) -> None:
    net = build(NetSpec(name="fast"), PICTURE, 3)
    made: Optimizer = optimizer(net, dataclasses.replace(SPEC, optimizer=name, weight_decay=0.1, lower_rate=0.25))
    assert type(made).__name__ == kind
    grouped = [weights for group in made.param_groups for weights in group["params"]]
    assert sorted(map(id, grouped)) == sorted(map(id, net.parameters()))
    for group in made.param_groups:
        assert group["weight_decay"] == (0.1 if group["params"][0].dim() > 1 else 0)
    shares = {id(weights): group["share"] for group in made.param_groups for weights in group["params"]}
    for weights in net.parameters():
        is_head = any(weights is mine for mine in net.get_submodule("head").parameters())
        assert shares[id(weights)] == (1 if is_head else 0.25)


@pytest.mark.parametrize(
    ("unfreeze", "epoch", "learning"),
    [("all", 1, 5), ("head", 9, 1), ("last_block", 1, 2), ("gradual", 1, 1), ("gradual", 3, 3), ("gradual", 99, 5)],
)
def test_frozen_blocks_neither_learn_nor_count(unfreeze: Any, epoch: int, learning: int) -> None:
    net = build(NetSpec(name="fast"), PICTURE, 3)
    set_learning(net, dataclasses.replace(SPEC, unfreeze=unfreeze), epoch)
    parts = blocks(net)
    assert len(parts) == 5  # four convolutions and the head
    for depth, block in enumerate(reversed(parts)):
        assert all(weights.requires_grad == (depth < learning) for weights in block.parameters())
        assert block.training == (depth < learning)


def test_frozen_norms_keep_their_averages_while_their_block_learns() -> None:
    net = build(NetSpec(name="fast"), PICTURE, 3)
    set_learning(net, dataclasses.replace(SPEC, freeze_norms=True), 1)
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert len(norms) == 4 and not any(norm.training for norm in norms)
    assert all(weights.requires_grad for weights in net.parameters())


def test_a_cosine_after_a_warm_up_meets_its_peak_and_ends_low() -> None:
    rates = factors(epochs=10, warmup=0.2, schedule="cosine")  # 50 steps, 10 of them up
    assert max(rates) == pytest.approx(1)
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[30] == pytest.approx((1 + math.cos(math.pi / 2)) / 2, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("sgd", lambda groups: SGD(groups, lr=0.01, momentum=0.9, nesterov=True)),
        ("rmsprop", lambda groups: torch.optim.RMSprop(groups, lr=0.01, momentum=0.9)),
        ("adam", lambda groups: torch.optim.Adam(groups, lr=0.01)),
        ("adamw", lambda groups: torch.optim.AdamW(groups, lr=0.01)),
        ("adagrad", lambda groups: torch.optim.Adagrad(groups, lr=0.01)),
    ],
)
def test_an_optimizer_steps_as_torchs_own_also_after_a_checkpoint(name: Any, own: Any) -> None:
    spec = dataclasses.replace(SPEC, optimizer=name, learning_rate=0.01, weight_decay=0.1)
    net = build(NetSpec(name="mlp", options={"hidden": 8, "second": 8}), PICTURE, 3)
    twin = copy.deepcopy(net)
    ours = optimizer(net, spec)
    matrices, others = [[p for p in twin.parameters() if (p.dim() > 1) is wide] for wide in (True, False)]
    theirs = own([{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}])
    batch = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    for step in range(4):
        for it, improver in ((net, ours), (twin, theirs)):
            improver.zero_grad()
            it(batch).square().sum().backward()
            improver.step()
        if step == 1:
            state = ours.state_dict()
            ours = optimizer(net, spec)
            ours.load_state_dict(state)
    assert all(torch.equal(mine, other) for mine, other in zip(net.parameters(), twin.parameters(), strict=True))
    assert isinstance(ours, type(theirs))
