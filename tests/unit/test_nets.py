import pytest
import torch

from models_store.errors import RecipeRejected
from models_store.specs import InputSpec, NetSpec
from training.nets.catalog import NETS, build, parameters

PICTURE = InputSpec()


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("labels", [2, 10])
def test_every_net_gives_a_logit_per_label(name: str, labels: int) -> None:
    net = build(NetSpec(name=name), PICTURE, labels)
    for rows in (1, 5):
        logits = net.eval()(torch.rand(rows, 1, 28, 28))
        assert logits.shape == (rows, labels)
        assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", NETS)
def test_every_net_can_be_scripted(name: str) -> None:
    net = build(NetSpec(name=name), PICTURE, 10).eval()
    pictures = torch.rand(3, 1, 28, 28)
    with torch.inference_mode():
        assert torch.equal(torch.jit.script(net)(pictures), net(pictures))


@pytest.mark.parametrize("name", NETS)
def test_every_net_learns_from_every_weight(name: str) -> None:
    net = build(NetSpec(name=name), PICTURE, 10).train()
    net(torch.rand(8, 1, 28, 28)).square().sum().backward()
    for weights in net.parameters():
        assert weights.grad is not None
        assert weights.grad.abs().max() > 0


@pytest.mark.parametrize("name", NETS)
def test_rows_do_not_look_at_each_other_once_trained(name: str) -> None:
    net = build(NetSpec(name=name), PICTURE, 10).eval()
    pictures = torch.rand(4, 1, 28, 28)
    with torch.inference_mode():
        singles = torch.cat([net(picture[None]) for picture in pictures])
        assert torch.allclose(net(pictures), singles, atol=1e-5)


def test_fast_has_the_parameters_that_its_layers_add_up_to() -> None:
    convolutions = 24 * 1 * 5 * 5 + 48 * 24 * 3 * 3 + 96 * 48 * 3 * 3 + 128 * 96 * 3 * 3  # without biases
    norms, head = 2 * (24 + 48 + 96 + 128), 128 * 10 + 10
    assert convolutions + norms + head == 164_914
    assert parameters(build(NetSpec(name="fast"), PICTURE, 10)) == 164_914


def test_cnn_has_the_parameters_that_its_layers_add_up_to() -> None:
    convolutions = (32 * 1 * 5 * 5 + 32) + (64 * 32 * 5 * 5 + 64)
    linear = (64 * 4 * 4 * 500 + 500) + (500 * 10 + 10)
    assert convolutions + linear == 569_606
    assert parameters(build(NetSpec(name="cnn"), PICTURE, 10)) == 569_606


def test_options_reach_the_net() -> None:
    narrow = build(NetSpec(name="cnn", options={"hidden": 32, "dropout": 0.0}), PICTURE, 10)
    assert parameters(narrow) == 832 + 51_264 + (1024 * 32 + 32) + (32 * 10 + 10)
    pictures = torch.rand(2, 1, 28, 28)
    assert torch.equal(narrow.train()(pictures), narrow(pictures))


def test_an_unknown_net_is_rejected() -> None:
    with pytest.raises(RecipeRejected, match=r"no net named 'resnet'\. Known: .*cnn, fast"):
        build(NetSpec(name="resnet"), PICTURE, 10)


@pytest.mark.parametrize(
    ("name", "options"),
    [("fast", {"depth": 3}), ("cnn", {"colour": "red"}), ("cnn", {"hidden": "many"}), ("fast", {"channels": 3})],
)
def test_an_unknown_option_is_rejected(name: str, options: dict[str, int | str]) -> None:
    with pytest.raises(RecipeRejected, match=f"The net {name} .*{next(iter(options))}"):
        build(NetSpec(name=name, options=options), PICTURE, 10)


@pytest.mark.parametrize(
    ("name", "options"), [("fast", {"dropout": 1.5}), ("cnn", {"dropout": -1}), ("cnn", {"hidden": -8})]
)
def test_an_option_out_of_range_is_rejected(name: str, options: dict[str, float]) -> None:
    with pytest.raises(RecipeRejected, match=next(iter(options))):
        build(NetSpec(name=name, options=options), PICTURE, 10)


@pytest.mark.parametrize("size", [(32, 32), (28, 27)])
def test_another_picture_is_rejected(size: tuple[int, int]) -> None:
    with pytest.raises(RecipeRejected, match="takes pictures of 1x28x28, not 1x"):
        build(NetSpec(name="fast"), InputSpec(height=size[0], width=size[1]), 10)
