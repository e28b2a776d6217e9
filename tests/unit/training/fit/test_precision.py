import copy
import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from tests.support.lessons import PICTURE, SPEC, recipe_of, same_weights
from training.fit.precision import choose, deterministic, has_bf16
from training.nets.catalog import build

CPU = torch.device("cpu")
AUTO = dataclasses.replace(SPEC, precision="auto")
BOTH = (torch.float32, torch.bfloat16)


class Counting(nn.Module):
    """Keeps how many rows it was given, also by its copies."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 2)
        self.rows: set[int] = set()

    def __deepcopy__(self, memo: dict[int, object]) -> "Counting":
        copied = Counting()
        copied.rows = self.rows
        return copied

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.rows.add(len(x))
        return self.head(x.mean((2, 3)).expand(-1, 3))  # type: ignore[no-any-return]


@pytest.fixture
def net() -> nn.Module:
    return build(recipe_of(SPEC).net, PICTURE, 3)


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize(("named", "meant"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_the_recipes_choice_wins(net: nn.Module, named: Any, meant: torch.dtype, timed: bool) -> None:
    assert choose(net, dataclasses.replace(SPEC, precision=named), PICTURE, CPU, timed) is meant


def test_what_must_repeat_is_not_left_to_a_clock(net: nn.Module) -> None:
    counting = Counting()
    assert choose(counting, AUTO, PICTURE, CPU, timed=False) is torch.float32
    assert counting.rows == set()
    assert choose(net, AUTO, PICTURE, CPU, timed=False) is torch.float32


def test_without_bfloat16_in_hardware_there_is_nothing_to_try(net: nn.Module) -> None:
    assert choose(net, AUTO, PICTURE, CPU) in (BOTH if has_bf16(CPU) else (torch.float32,))


@pytest.mark.parametrize("name", ["fast", "cnn", "mlp"])
@pytest.mark.parametrize("frozen", [True, False])
def test_a_trial_changes_nothing(name: str, frozen: bool) -> None:
    """Neither weights nor running averages, gradients, the mode, nor what random numbers come next."""
    net = build(recipe_of(SPEC, name).net, PICTURE, 3).eval().requires_grad_(not frozen)
    before = copy.deepcopy(net)
    torch.manual_seed(11)
    state = torch.get_rng_state()
    assert choose(net, dataclasses.replace(AUTO, batch_size=4), PICTURE, CPU) in BOTH
    assert torch.equal(torch.get_rng_state(), state)
    assert same_weights(net, before)
    assert not net.training
    assert all(weights.grad is None for weights in net.parameters())


def test_large_pictures_are_tried_in_small_batches() -> None:
    """At 512 pixels a side, 64 rows of float32 are 201 MB at the door alone: two rows say as much."""
    picture = dataclasses.replace(
        PICTURE, channels=3, height=512, width=512, mean=(0.5,) * 3, std=(0.25,) * 3, preparation="picture"
    )
    counting = Counting()
    choose(counting, dataclasses.replace(AUTO, batch_size=64), picture, CPU)
    assert counting.rows == ({2} if has_bf16(CPU) else set())


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
def test_operations_that_repeat_are_asked_for_inside_the_block_only(before: bool, wanted: bool) -> None:
    torch.use_deterministic_algorithms(before)
    try:
        with pytest.raises(KeyError), deterministic(wanted):
            assert torch.are_deterministic_algorithms_enabled() is (wanted or before)
            raise KeyError
        assert torch.are_deterministic_algorithms_enabled() is before
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_computes_in_bfloat16_where_it_can(net: nn.Module) -> None:
    cuda = torch.device("cuda")
    assert choose(net.to(cuda), AUTO, PICTURE, cuda) is (torch.bfloat16 if has_bf16(cuda) else torch.float32)
    assert choose(net, dataclasses.replace(SPEC, precision="float32"), PICTURE, cuda) is torch.float32
    assert choose(net, AUTO, PICTURE, cuda, timed=False) is torch.float32
