import copy
import itertools
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from models_store.errors import RecipeRejected
from models_store.specs import InputSpec, NetSpec
from training.nets.catalog import NETS, blocks, build, options, parameters, takes

DIGIT = InputSpec()


def picture(name: str, channels: int = 0) -> InputSpec:
    """The smallest picture that the net takes."""
    shapes = takes(name)
    count = channels or shapes.channels[0]
    side = shapes.smallest
    halves = (0.5,) * count
    return InputSpec(channels=count, height=side, width=side, mean=halves, std=halves, preparation="picture")


@dataclass(frozen=True)
class Fresh:
    """A net with ten labels in eval mode, and five pictures for it."""

    name: str
    net: nn.Module
    pictures: Tensor


@pytest.fixture(scope="module", params=NETS)
def fresh(request: pytest.FixtureRequest) -> Fresh:
    spec = picture(request.param)
    torch.manual_seed(0)
    return Fresh(request.param, build(NetSpec(name=request.param), spec, 10).eval(), torch.rand(5, *spec.shape))


@torch.inference_mode()
def test_every_net_gives_a_logit_per_label_and_its_rows_do_not_look_at_each_other(fresh: Fresh) -> None:
    logits = fresh.net(fresh.pictures)
    assert logits.shape == (5, 10)
    assert torch.isfinite(logits).all()
    singles = torch.cat([fresh.net(one[None]) for one in fresh.pictures])
    assert torch.allclose(logits, singles, atol=1e-4)


@torch.inference_mode()
def test_every_net_can_be_scripted(fresh: Fresh) -> None:
    assert torch.equal(torch.jit.script(fresh.net)(fresh.pictures), fresh.net(fresh.pictures))


def test_every_net_learns_from_every_weight(fresh: Fresh) -> None:
    net = copy.deepcopy(fresh.net).train()
    net(fresh.pictures).square().sum().backward()
    for weights in net.parameters():
        assert weights.grad is not None
        assert weights.grad.abs().max() > 0


@torch.inference_mode()
def test_every_weight_is_in_one_block_and_the_blocks_compute_in_order_up_to_the_head(fresh: Fresh) -> None:
    net = copy.deepcopy(fresh.net)
    parts = blocks(net)
    assert parts[-1] is net.head
    assert isinstance(net.head, nn.Linear)
    weights = [id(weight) for block in parts for weight in block.parameters()]
    assert sorted(weights) == sorted(id(weight) for weight in net.parameters())
    computed: list[int] = []
    for number, block in enumerate(parts):
        for layer in block.modules():
            if not list(layer.children()):
                layer.register_forward_hook(lambda *_, number=number: computed.append(number))
    ends: list[Tensor] = []
    net.head.register_forward_hook(lambda layer, given, logits: ends.append(logits))
    assert net(fresh.pictures) is ends[0]
    assert [number for number, _ in itertools.groupby(computed)] == list(range(len(parts)))


def test_every_net_takes_the_shapes_that_it_says(fresh: Fresh) -> None:
    for channels in takes(fresh.name).channels[1:]:
        spec = picture(fresh.name, channels)
        net = build(NetSpec(name=fresh.name), spec, 2).eval()
        assert net(torch.rand(2, *spec.shape)).shape == (2, 2)


def test_the_blocks_are_those_that_people_name() -> None:
    nets = {name: build(NetSpec(name=name), DIGIT, 10) for name in ("fast", "mlp", "resnet18")}
    counts = {name: [parameters(block) for block in blocks(net)] for name, net in nets.items()}
    assert counts["fast"] == [600 + 48, 10_368 + 96, 41_472 + 192, 110_592 + 256, 1290]
    assert counts["mlp"] == [401_920, 131_328, 2570]
    stem, *layers, head = counts["resnet18"]
    assert stem == 64 * 1 * 7 * 7 + 2 * 64  # the first convolution, for grey pictures, and its norm
    assert layers == [147_968, 525_568, 2_099_712, 8_393_728]
    assert head == 512 * 10 + 10


def test_an_unknown_net_is_rejected() -> None:
    with pytest.raises(RecipeRejected, match=r"no net named 'resnet'\. Known: cnn, .*fast"):
        build(NetSpec(name="resnet"), DIGIT, 10)
    with pytest.raises(RecipeRejected, match="no net named 'resnet'"):
        options("resnet")


@pytest.mark.parametrize("size", [(32, 32), (28, 27)])
def test_another_shape_is_rejected(size: tuple[int, int]) -> None:
    with pytest.raises(RecipeRejected, match="fast takes pictures of 1x28x28 or 3x28x28, not 1x"):
        build(NetSpec(name="fast"), InputSpec(height=size[0], width=size[1]), 10)


def test_a_grey_picture_is_none_for_a_colour_net() -> None:
    grey = InputSpec(height=224, width=224, preparation="picture")
    with pytest.raises(RecipeRejected, match="takes pictures of 3 channels and sides of 32 to 512 pixels, not 1x224"):
        build(NetSpec(name="rgb-cnn"), grey, 10)
