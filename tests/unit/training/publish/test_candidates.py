from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models_store.files import WEIGHTS
from models_store.model import Processor, agrees
from models_store.recipe import Recipe
from models_store.specs import AugmentSpec, DataSpec, InputSpec, NetSpec, TrainSpec
from training.data.rows import Rows
from training.fit.loop import fit
from training.fit.material import Material
from training.nets.catalog import build
from training.publish.candidates import FILES, Servable, export, fused, script
from training.synthetic import strokes

PICTURE = InputSpec()
X86 = Processor("x86_64", has_vnni=True, engines=("qnnpack", "onednn", "x86", "fbgemm"))
ARM = Processor("aarch64", has_vnni=False, engines=("qnnpack", "onednn"))
DRAWN = torch.from_numpy(strokes.units(per_digit=12, seed=1))
OTHERS = torch.from_numpy(strokes.units(per_digit=3, seed=2))


@pytest.fixture(scope="module", params=["fast", "cnn"])
def net(request: pytest.FixtureRequest) -> nn.Module:
    """Learned to read drawn digits, so that its probabilities are far apart as in use."""
    torch.manual_seed(0)
    net = build(NetSpec(name=request.param), PICTURE, 10)
    rows = Rows(DRAWN, torch.arange(10).repeat_interleave(12))
    spec = TrainSpec(epochs=6, batch_size=20, learning_rate=0.05)
    recipe = Recipe(
        publish_to="x", net=NetSpec(name=request.param), data=DataSpec(source="bundled"), train=spec,
        augment=AugmentSpec(shift_pixels=1),
    )  # fmt: skip
    return fit(net, Material(rows), recipe).net


@pytest.fixture(scope="module")
def folder(net: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("version")
    export(net, PICTURE, DRAWN, folder)
    yield folder


def probabilities(logits: Tensor) -> NDArray[np.float32]:
    answers: NDArray[np.float32] = torch.softmax(logits, 1).numpy()
    return answers


@torch.inference_mode()
def by_hand(net: nn.Module) -> NDArray[np.float32]:
    return probabilities(net.eval()((OTHERS / 255 - 0.1307) / 0.3081))


@torch.inference_mode()
def served(path: Path) -> NDArray[np.float32]:
    return probabilities(torch.jit.load(path)(OTHERS / 255))


def test_the_files_of_a_version_are_written(folder: Path) -> None:
    written = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(written) == {"model.pt", "model.bf16.pt", "model.int8.pt", "weights.safetensors"}
    assert set(FILES.values()) < set(written)
    assert written["model.int8.pt"] < 0.45 * written["model.pt"]
    assert written["model.bf16.pt"] < 0.65 * written["model.pt"]


def test_the_plain_candidate_is_the_net(net: nn.Module, folder: Path) -> None:
    assert (by_hand(net).argmax(1) == np.repeat(np.arange(10), 3)).mean() > 0.8  # it did learn
    assert np.abs(served(folder / "model.pt") - by_hand(net)).max() < 1e-5


@pytest.mark.parametrize("file", ["model.bf16.pt", "model.int8.pt"])
def test_every_candidate_agrees_with_the_net(net: nn.Module, folder: Path, file: str) -> None:
    assert agrees(served(folder / file), by_hand(net))


@pytest.mark.parametrize("file", FILES.values())
def test_every_candidate_takes_one_picture_and_many(folder: Path, file: str) -> None:
    model = torch.jit.load(folder / file)
    with torch.inference_mode():
        whole = model(OTHERS / 255)
        singles = torch.cat([model(picture[None] / 255) for picture in OTHERS])
    assert whole.dtype == torch.float32
    assert whole.shape == (30, 10)
    assert np.abs(probabilities(whole) - probabilities(singles)).max() < 0.02


def test_int8_made_on_one_processor_answers_as_if_it_were_made_on_another(net: nn.Module, tmp_path: Path) -> None:
    """Engines pack weights each in its own way: a file has what any of them can pack anew."""
    before = torch.backends.quantized.engine
    for processor in (X86, ARM):
        (tmp_path / processor.machine).mkdir()
        export(net, PICTURE, DRAWN, tmp_path / processor.machine, processor)
    for processor in (X86, ARM):
        processor.use()
        made_here, made_there = (served(tmp_path / made.machine / "model.int8.pt") for made in (X86, ARM))
        assert (made_here == made_there).all()
        assert np.ptp(made_here, axis=0).max() > 0.5  # the pictures are told apart
    torch.backends.quantized.engine = before


def test_where_no_engine_is_the_other_candidates_are_written(net: nn.Module, tmp_path: Path) -> None:
    export(net, PICTURE, DRAWN[:20], tmp_path, Processor("ppc64le", has_vnni=False, engines=("none",)))
    assert {path.name for path in tmp_path.iterdir()} == {"model.pt", "model.bf16.pt", "weights.safetensors"}


def test_the_weights_rebuild_the_net(net: nn.Module, folder: Path) -> None:
    weights = safetensors.torch.load_file(folder / WEIGHTS)
    assert weights.keys() == net.state_dict().keys()
    assert all(torch.equal(weights[name], value) for name, value in net.state_dict().items())


def test_the_plain_candidate_is_not_frozen(folder: Path) -> None:
    model = torch.jit.load(folder / "model.pt")
    weights = safetensors.torch.load_file(folder / WEIGHTS)
    assert {f"net.{name}" for name in weights} <= set(model.state_dict())
    with torch.inference_mode():
        assert model.double()(OTHERS.double() / 255).dtype == torch.float64


def test_folding_the_norms_changes_no_answer(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert not torch.equal(module.running_mean, torch.zeros_like(module.running_mean))  # type: ignore[arg-type]
    pictures = (OTHERS / 255 - 0.1307) / 0.3081
    folded = fused(net)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        assert (folded(pictures) - net.eval()(pictures)).abs().max() < 1e-4


def test_exporting_leaves_the_net_as_it_was(net: nn.Module, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.train()
    export(net, PICTURE, DRAWN[:20], tmp_path)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_the_input_specs_normalisation_is_inside() -> None:
    spec = InputSpec(mean=(0.5,), std=(0.25,))
    with torch.inference_mode():
        scripted = script(Servable(nn.Flatten(), spec))(torch.tensor([[[[0.0, 0.5], [0.75, 1.0]]]]))
    assert scripted.tolist() == [[-2, 0, 1, 2]]
