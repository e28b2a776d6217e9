import io
import pickle
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models_store.errors import RecipeRejected
from models_store.specs import InputSpec, NetSpec
from training.data.torchvision import torchvision
from training.errors import TrainingError, WeightsMissing
from training.nets.catalog import build, skeleton

COLOURS = InputSpec(channels=3, height=32, width=32, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")
PRETRAINED = NetSpec(name="resnet18", options={"weights": "imagenet"})
FILE = "resnet18-f37072fd.pth"  # the name of torchvision's own file: pytorch.org/vision/stable/models


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for torch.hub's files, on a machine without a network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    nowhere = {"https": "http://127.0.0.1:9"}
    urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler(nowhere)))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    yield folder
    urllib.request.install_opener(None)  # torch builds the usual one again


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    """torchvision's net for ImageNet's 1,000 labels, with weights as if it had learned."""
    torch.manual_seed(7)
    net: nn.Module = torchvision().models.get_model("resnet18", weights=None)
    with torch.no_grad():
        net.train()(torch.rand(4, 3, 32, 32))  # the norms' averages leave their start
    return net.eval()


def rehung(theirs: nn.Module, head: nn.Module, pictures: Tensor) -> Tensor:
    """What torchvision's own forward answers with another last layer."""
    own = theirs.fc
    theirs.fc = head
    try:
        logits: Tensor = theirs(pictures)
        return logits
    finally:
        theirs.fc = own


@torch.inference_mode()
def test_a_file_that_lies_there_is_what_the_net_starts_from(checkpoints: Path, theirs: nn.Module) -> None:
    torch.save(theirs.state_dict(), checkpoints / FILE)
    net = build(PRETRAINED, COLOURS, 4).eval()
    pictures = torch.rand(3, 3, 32, 32)
    assert isinstance(net.head, nn.Linear)
    assert net.head.out_features == 4
    assert torch.allclose(net(pictures), rehung(theirs, net.head, pictures), atol=1e-5)


@torch.inference_mode()
def test_a_grey_picture_is_seen_as_the_same_picture_in_colour(checkpoints: Path, theirs: nn.Module) -> None:
    torch.save(theirs.state_dict(), checkpoints / FILE)
    net = build(PRETRAINED, InputSpec(), 4).eval()
    grey = torch.rand(3, 1, 28, 28)
    assert isinstance(net.head, nn.Linear)
    assert torch.allclose(net(grey), rehung(theirs, net.head, grey.expand(3, 3, 28, 28)), atol=1e-4)


def refusal(checkpoints: Path) -> str:
    with pytest.raises(WeightsMissing) as refused:
        build(PRETRAINED, COLOURS, 4)
    assert isinstance(refused.value, TrainingError)
    text = str(refused.value)
    assert FILE in text
    assert str(checkpoints) in text
    assert 'weights = "none"' in text
    return text


def test_weights_that_are_nowhere_are_named_with_their_folder(
    checkpoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "\n" not in refusal(checkpoints)
    assert capsys.readouterr().out == ""  # standard output is the report's
    assert not list(checkpoints.iterdir())


def test_a_folder_that_cannot_be_made_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    refusal(tmp_path / "file" / "hub" / "checkpoints")


def damaged() -> dict[str, bytes]:
    buffer = io.BytesIO()
    torch.save({"conv1.weight": torch.zeros(3)}, buffer)
    other = buffer.getvalue()
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as archive:
        archive.writestr("a/b.txt", "no weights")
    return {
        "nothing": b"",
        "text": b"no weights",
        "another net's": other,
        "cut": other[:300],
        "an archive": text.getvalue(),
        "a number": pickle.dumps(7, protocol=2),
    }


@pytest.mark.filterwarnings("ignore:Falling back to the old format:FutureWarning")  # torch's word on an archive
@pytest.mark.parametrize("name", damaged())
def test_a_file_that_holds_no_such_weights_is_refused(checkpoints: Path, name: str) -> None:
    (checkpoints / FILE).write_bytes(damaged()[name])
    refusal(checkpoints)


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.mkdir, (self.path,)


def test_a_file_of_weights_runs_no_code(checkpoints: Path, tmp_path: Path) -> None:
    torch.save({"conv1.weight": Trap(tmp_path / "sprung")}, checkpoints / FILE)
    refusal(checkpoints)
    assert not (tmp_path / "sprung").exists()
    torch.load(checkpoints / FILE, weights_only=False)  # the trap works
    assert (tmp_path / "sprung").exists()


def test_whoever_loads_all_weights_afterwards_needs_no_file(checkpoints: Path) -> None:
    net = skeleton(PRETRAINED, COLOURS, 4)
    fresh = build(NetSpec(name="resnet18", options={"weights": "none"}), COLOURS, 4)
    assert {name: value.shape for name, value in net.state_dict().items()} == {
        name: value.shape for name, value in fresh.state_dict().items()
    }
    with pytest.raises(RecipeRejected, match="no option depth"):
        skeleton(NetSpec(name="fast", options={"depth": 3}), InputSpec(), 10)
