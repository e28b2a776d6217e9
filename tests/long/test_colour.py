"""Colour pictures from end to end: drawn shapes, a folder each, are learned by a residual net and read over HTTP."""

import base64
import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from app.main import create_app
from app.settings import Settings
from tests.conftest import running
from tests.support.pictures import png
from tests.system.harness import Typed, published
from training.synthetic import strokes

SHAPES = ("rectangle", "ellipse", "triangle")  # as `draw.scene` counts them
SIDE = 32  # pixels that the net sees of 224: a whole ResNet-18 at 224 would take minutes here
# Fresh weights have nothing to transfer, so all of them learn, from whole pictures.
SETTINGS = {
    "net.options.weights": "none", "input.height": SIDE, "input.width": SIDE, "train.unfreeze": "all",
    "train.ema": 0.9, "train.precision": "float32", "augment.crop": 1, "augment.rotate_degrees": 0,
}  # fmt: skip


def scenes(each: int, seed: int) -> list[tuple[str, bytes]]:
    rng = np.random.default_rng(seed)
    kinds = [kind for kind in range(len(SHAPES)) for _ in range(each)]
    return [(SHAPES[kind], png(strokes.scene(kind, 224, 224, rng).transpose(1, 2, 0))) for kind in kinds]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, (shape, picture) in enumerate(scenes(60, seed=1)):
        (tmp_path / "shapes" / shape).mkdir(parents=True, exist_ok=True)
        (tmp_path / "shapes" / shape / f"{number}.png").write_bytes(picture)
    return tmp_path / "shapes"


async def test_shapes_are_learned_and_read(tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    changes = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    told = Typed(capsys)("train", "resnet18", "--data", folder, "--epochs", "12", *changes)
    assert told.result["accepted"], told.result["gate"]
    assert told.result["version"] == "shapes-resnet18@1"
    manifest = published(tmp_path / "store", "shapes-resnet18").manifest
    assert set(manifest.labels) == set(SHAPES)
    assert manifest.input.shape == (3, SIDE, SIDE)
    assert (manifest.data.train_rows, manifest.data.test_rows) == (144, 36)

    fresh = scenes(80, seed=2)
    app = create_app(Settings(store_dir=tmp_path / "store", default_model="shapes-resnet18"))
    async with running(app) as http:
        files = [("files", picture) for _, picture in fresh]
        many = (await http.post("/v1/predict/batch", files=files)).json()
        alone = [await read(http, picture) for _, picture in fresh[::20]]
        shown = (await read(http, fresh[0][1], prepared="true"))["prepared"]
    assert many["model"] == "shapes-resnet18@1"
    labels = [answer["label"] for answer in many["predictions"]]
    right = sum(label == shape for label, (shape, _) in zip(labels, fresh, strict=True))
    assert right >= 108  # of 240, by chance 80 +- 7; it was 126
    assert set(labels) == set(SHAPES)
    assert [answer["label"] for answer in alone] == labels[::20]

    seen = Image.open(io.BytesIO(base64.b64decode(shown)))
    assert (seen.format, seen.mode, seen.size) == ("PNG", "RGB", (SIDE, SIDE))
    whole = Image.open(io.BytesIO(fresh[0][1])).resize((SIDE, SIDE), Image.Resampling.BOX)
    assert np.abs(np.asarray(seen, float) - np.asarray(whole, float)).mean() < 3  # the same picture, in its colours


async def read(http: httpx.AsyncClient, picture: bytes, **query: str) -> dict[str, str]:
    answer = await http.post("/v1/predict", content=picture, headers={"content-type": "image/png"}, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def test_without_a_network_the_pretrained_weights_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nothing listens
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    told = Typed(capsys)("train", "resnet18", "--data", folder)
    *before, said = told.error.splitlines()
    assert told.code == 2
    assert said.startswith("training: The ImageNet weights of resnet18 could not be read or downloaded: put a whole ")
    assert said.endswith('or set weights = "none" in net.options.')
    assert [line.partition(":")[0] for line in before] == ["Downloading"]
