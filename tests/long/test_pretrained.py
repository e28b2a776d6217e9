"""Transfer from end to end: a residual net that knows shapes gets a new head for a folder of pictures, and reads over
HTTP. ImageNet's file can't be fetched here, so the test makes one of its name, which torchvision's own loader reads.
"""

import base64
import dataclasses
import io
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from app.main import create_app
from app.settings import Settings
from models_store.recipe import Recipe
from models_store.specs import AugmentSpec, NetSpec
from tests.conftest import running
from tests.support.pictures import png
from tests.system.harness import Typed, published
from training.commands import RECIPES
from training.data.rows import Rows
from training.fit.loop import fit
from training.fit.material import Material
from training.nets.catalog import build
from training.synthetic import strokes

SHAPES = ("rectangle", "ellipse", "triangle")  # as `draw.scene` counts them
SMALL = 64  # pixels: at 224 the whole net would take minutes to learn


def scenes(count: int, seed: int) -> list[np.ndarray]:
    """uint8 [224, 224, 3], the three shapes in turn."""
    rng = np.random.default_rng(seed)
    return [strokes.scene(number % 3, 224, 224, rng).transpose(1, 2, 0) for number in range(count)]


@pytest.fixture
def pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ResNet-18 that learned from 300 other pictures, small ones, as the file that torchvision would have fetched."""
    recipe = Recipe.from_toml((RECIPES / "resnet18.toml").read_text())
    recipe = dataclasses.replace(
        recipe, net=NetSpec(name="resnet18"), augment=AugmentSpec(),
        input=dataclasses.replace(recipe.input, height=SMALL, width=SMALL),
        train=dataclasses.replace(recipe.train, unfreeze="all", epochs=5, batch_size=16, precision="float32"),
    )  # fmt: skip
    small = [cv2.resize(picture, (SMALL, SMALL), interpolation=cv2.INTER_AREA) for picture in scenes(300, seed=5)]
    rows = Rows(torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).contiguous(), torch.arange(300) % 3)
    torch.manual_seed(1)
    weights = fit(build(recipe.net, recipe.input, 3), Material(rows), recipe).net.state_dict()
    body = {name: value for name, value in weights.items() if not name.startswith("head.")}
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(
        {**body, "fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}, folder / "resnet18-f37072fd.pth"
    )
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.mark.usefixtures("pretrained")
async def test_a_new_head_reads_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, picture in enumerate(scenes(90, seed=7)):  # 30 of each
        file = tmp_path / "shapes" / SHAPES[number % 3] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(picture))
    changes = ("--set", "train.learning_rate=0.01", "--set", "train.batch_size=8", "--set", "augment.crop=1")
    told = Typed(capsys)("train", "resnet18", "--data", tmp_path / "shapes", "--epochs", "3", *changes)
    assert told.result["version"] == "shapes-resnet18@1"
    manifest = published(tmp_path / "store", "shapes-resnet18").manifest
    assert (manifest.recipe.train.unfreeze, manifest.input.shape) == ("head", (3, 224, 224))
    assert (manifest.data.train_rows, manifest.data.test_rows) == (72, 18)

    fresh = scenes(60, seed=11)
    app = create_app(Settings(store_dir=tmp_path / "store", default_model="shapes-resnet18"))
    async with running(app) as http:
        answers = [await read(http, picture) for picture in fresh]
        shown = (await read(http, fresh[0], prepared="true"))["prepared"]
    right = sum(answer["label"] == SHAPES[number % 3] for number, answer in enumerate(answers))
    assert right >= 36  # of 60; by chance 20 +- 4, and 41 to 52 were seen
    assert {answer["model"] for answer in answers} == {"shapes-resnet18@1"}
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown))))
    assert (seen == fresh[0]).all()  # 224x224 passes as it is, in its colours


async def read(http: httpx.AsyncClient, picture: np.ndarray, **query: str) -> dict[str, str]:
    answer = await http.post("/v1/predict", content=png(picture), headers={"content-type": "image/png"}, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found
