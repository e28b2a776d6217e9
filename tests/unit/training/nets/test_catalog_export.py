"""What a net of the catalog becomes when it is exported: the candidates that serve it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models_store.model import agrees
from models_store.specs import InputSpec, NetSpec
from training.nets.catalog import build
from training.publish.candidates import FILES, export

LABELS = 3


def colours(side: int) -> InputSpec:
    return InputSpec(channels=3, height=side, width=side, mean=(0.5,) * 3, std=(0.25,) * 3, preparation="picture")


INPUTS = {"lite": InputSpec(), "dilated": InputSpec(), "rgb-cnn": colours(40), "resnet18": colours(32)}


def scenes(spec: InputSpec, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noisy pictures with a bright bar at one of three heights: uint8 [N, C, H, W] and which height."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 60, (count, *spec.shape), generator=generator, dtype=torch.uint8)
    truth = torch.arange(count) % LABELS
    high = spec.height // LABELS
    for picture, label in zip(pictures, truth.tolist(), strict=True):
        picture[:, label * high + 2 : (label + 1) * high - 2] = 220
    return pictures, truth


def normalised(pictures: Tensor, spec: InputSpec) -> Tensor:
    return (pictures / 255 - spec.mean[0]) / spec.std[0]


@pytest.fixture(scope="module", params=INPUTS)
def taught(request: pytest.FixtureRequest) -> Iterator[tuple[str, nn.Module]]:
    """A net that has learned to tell the three heights, so that its probabilities are far apart as in use."""
    spec = INPUTS[request.param]
    torch.manual_seed(0)
    net = build(NetSpec(name=request.param), spec, LABELS).train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.5  # its averages are needed after a few steps already
    pictures, truth = scenes(spec, 48, seed=1)
    improver = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for _ in range(12):
        rows = torch.randperm(48)[:24]
        improver.zero_grad()
        nn.functional.cross_entropy(net(normalised(pictures[rows], spec)), truth[rows]).backward()
        improver.step()
    yield request.param, net.eval()


@torch.inference_mode()
def test_every_candidate_answers_as_the_net_does(taught: tuple[str, nn.Module], tmp_path: Path) -> None:
    name, net = taught
    spec = INPUTS[name]
    export(net, spec, scenes(spec, 48, seed=1)[0], tmp_path)
    pictures, truth = scenes(spec, 12, seed=2)
    expected = probabilities(net(normalised(pictures, spec)))
    assert (expected.argmax(1) == truth.numpy()).mean() > 0.9  # it did learn
    for file in FILES.values():
        answers = probabilities(torch.jit.load(tmp_path / file)(pictures / 255))
        assert agrees(answers, expected), file


def probabilities(logits: Tensor) -> NDArray[np.float32]:
    answers: NDArray[np.float32] = torch.softmax(logits.float(), 1).numpy()
    return answers
