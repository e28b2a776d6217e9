import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from models_store.errors import RecipeRejected, VersionCorrupt
from models_store.model import Model
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import DataSpec, InputSpec, NetSpec, TrainSpec
from tests.conftest import republished
from training.errors import WeightsRejected
from training.nets.catalog import build, skeleton
from training.publish.weights import MOST_BYTES, load_strict, read_weights, rebuild
from training.synthetic import strokes

LABELS = tuple("0123456789")


def recipe(net: NetSpec, picture: InputSpec = InputSpec()) -> Recipe:
    train = TrainSpec(epochs=1, batch_size=2, learning_rate=0.1)
    return Recipe(publish_to="mine", net=net, input=picture, data=DataSpec(source="bundled"), train=train)


CNN = recipe(NetSpec(name="cnn", options={"hidden": 16}))


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    torch.manual_seed(3)
    return build(CNN.net, CNN.input, 10).state_dict()


def saved(weights: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> Path:
    path.write_bytes(safetensors.torch.save(weights, metadata))
    return path


def test_a_rebuilt_net_answers_as_its_version(registry: Registry) -> None:
    version = registry.resolve(Ref("digits"))
    pictures = strokes.units(per_digit=3, seed=4)
    net = rebuild(version)
    assert not net.training
    with torch.inference_mode():
        logits = net((torch.from_numpy(pictures) / 255 - 0.1307) / 0.3081)
    answers = torch.softmax(logits / version.manifest.calibration.temperature, 1).numpy()
    assert np.abs(answers - Model.load(version.folder, version.manifest).predict(pictures)).max() < 1e-4


def test_a_version_with_one_flipped_bit_is_not_rebuilt(registry: Registry) -> None:
    version = registry.resolve(Ref("digits"))
    path = version.folder / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(VersionCorrupt, match=r"weights\.safetensors"):
        rebuild(version)


def test_a_version_of_an_unknown_net_is_refused(registry: Registry) -> None:
    with pytest.raises(RecipeRejected, match="no net named 'transformer'"):
        rebuild(republished(registry, recipe=recipe(NetSpec(name="transformer"))))


def test_a_pretrained_net_is_read_without_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # whoever downloads fails
    picture = InputSpec(channels=3, height=32, width=32, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")
    mine = recipe(NetSpec(name="resnet18", options={"weights": "imagenet"}), picture)
    wanted = skeleton(mine.net, picture, 2).state_dict()
    found = read_weights(saved(wanted, tmp_path / "mine.safetensors"), mine, ("cat", "dog")).state_dict()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)


def test_ones_own_weights_are_read(weights: dict[str, Tensor], tmp_path: Path) -> None:
    net = read_weights(saved(weights, tmp_path / "mine.safetensors"), CNN, LABELS)
    assert not net.training
    assert all(torch.equal(value, weights[name]) for name, value in net.state_dict().items())


def test_half_precision_is_widened(weights: dict[str, Tensor], tmp_path: Path) -> None:
    halves = {name: value.half() for name, value in weights.items()}
    net = read_weights(saved(halves, tmp_path / "mine.safetensors"), CNN, LABELS)
    assert all(p.dtype == torch.float32 and torch.equal(p, halves[name].float()) for name, p in net.named_parameters())


def test_a_header_may_begin_as_pickles_do(weights: dict[str, Tensor], tmp_path: Path) -> None:
    paths = [saved(weights, tmp_path / f"{n}.safetensors", {"note": "x" * n}) for n in range(0, 256, 8)]
    assert any(path.read_bytes()[0] == 0x80 for path in paths)  # a header is a multiple of 8 bytes long
    for path in paths:
        read_weights(path, CNN, LABELS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda all_: all_.pop("fc1.bias"), "fc1.bias is missing"),
        (lambda all_: all_.update(more=torch.zeros(1)), "'more' is unexpected"),
        (lambda all_: all_.update({"x" * 500: torch.zeros(1)}), "x…' is unexpected"),
        (lambda all_: all_.update({"head.bias": torch.zeros(3)}), "head.bias has the shape 3, not 10"),
        (lambda all_: all_.update({"head.bias": torch.tensor(0.0)}), "head.bias has the shape of a single number"),
        (lambda all_: all_.update({"head.bias": torch.zeros(10, dtype=torch.int8)}), "holds int8, not float32"),
        (lambda all_: all_.update({"head.bias": torch.full((10,), torch.nan)}), "numbers that are not finite"),
        (lambda all_: all_.clear(), "conv1.weight is missing"),
    ],
)
def test_weights_of_another_net_change_nothing(weights: dict[str, Tensor], change: object, sentence: str) -> None:
    given = dict(weights)
    assert callable(change)
    change(given)
    net: nn.Module = build(CNN.net, CNN.input, 10)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(WeightsRejected) as refused:
        load_strict(net, safetensors.torch.save(given))
    assert sentence in str(refused.value) and "\n" not in str(refused.value)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_count_is_no_complex_number() -> None:
    net = build(NetSpec(name="fast"), InputSpec(), 10)
    counter = next(name for name in net.state_dict() if name.endswith("num_batches_tracked"))
    given = net.state_dict() | {counter: torch.tensor(1j)}
    with pytest.raises(WeightsRejected, match=f"{counter} holds complex64, not int64"):
        load_strict(net, safetensors.torch.save(given))


@pytest.mark.parametrize("length", [0, 7, 8, 100, 400, -1])
def test_half_a_file_is_refused(weights: dict[str, Tensor], tmp_path: Path, length: int) -> None:
    path = saved(weights, tmp_path / "mine.safetensors")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WeightsRejected, match="no whole safetensors file"):
        read_weights(path, CNN, LABELS)


def test_noise_is_refused(rng: np.random.Generator) -> None:
    net = build(CNN.net, CNN.input, 10)
    for size in range(0, 200, 5):
        noise = rng.bytes(size)
        header = len(noise).to_bytes(8, "little") + noise
        for data in (noise, header, header[:8] + b'{"conv1.weight":{"dtype":"F4","shape":[-1],"data_offsets":[9,1]}}'):
            with pytest.raises(WeightsRejected):
                load_strict(net, data)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["mine.pt", "mine.PTH", "mine.safetensors"])
def test_pickles_are_never_opened(weights: dict[str, Tensor], tmp_path: Path, name: str, zipped: bool) -> None:
    path = tmp_path / name
    torch.save(weights, path, _use_new_zipfile_serialization=zipped)
    assert zipfile.is_zipfile(path) == zipped
    with pytest.raises(WeightsRejected, match=rf"{name} is a pickle.*safetensors\.torch\.save_file"):
        read_weights(path, CNN, LABELS)


def test_what_is_no_file_or_too_large_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.safetensors"):
        with pytest.raises(WeightsRejected, match="There is no file"):
            read_weights(path, CNN, LABELS)
    large = tmp_path / "large.safetensors"
    large.touch()
    os.truncate(large, MOST_BYTES + 1)  # sparse: it takes no room
    with pytest.raises(WeightsRejected, match="more than 1 GiB"):
        read_weights(large, CNN, LABELS)
