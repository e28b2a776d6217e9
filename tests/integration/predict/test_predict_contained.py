"""One picture takes no other with it, at no door: what a library raises that nobody foresaw, and other formats."""

import os
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from sklearn.datasets import load_digits

from app.main import create_app
from app.settings import Settings
from tests.conftest import running
from tests.integration.predict.test_batch import PAGES, WAYS, predictions
from tests.support.pictures import png
from tests.unit.models_store.datasets.test_archive import zipped

PNG = {"content-type": "image/png"}
CURSED = png(np.full((31, 31), 250, np.uint8))
HEIC = b"\0\0\0\x18ftyphei9" + bytes(20)


# Pillow raises for the picture of 31 pixels what it never says that it raises; as the children's `sitecustomize`
CURSE = """
from PIL import PngImagePlugin

loaded = PngImagePlugin.PngImageFile.load_end

def load_end(self):
    if self.size == (31, 31):
        raise RuntimeError("a library's own fault")
    loaded(self)

PngImagePlugin.PngImageFile.load_end = load_end
"""


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    folder = tmp_path_factory.mktemp("contained")
    (folder / "sitecustomize.py").write_text(CURSE)
    app = create_app(Settings(store_dir=folder / "store", state_dir=folder / "state"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        async with running(app) as http:
            yield http


BAD = [pytest.param(CURSED, 422, "picture_unreadable", id="unforeseen"),
       pytest.param(HEIC, 415, "unsupported_image_format", id="HEIC")]  # fmt: skip


@pytest.mark.parametrize(("picture", "status", "code"), BAD)
@pytest.mark.parametrize(
    "door",
    ["/v1/predict", "/v1/predict?explain=true", "/v1/predict?prepared=true", "/v1/read", "/v1/feedback?label=7"],
)
async def test_doors_of_one_picture(
    client: httpx.AsyncClient, door: str, picture: bytes, status: int, code: str
) -> None:
    answer = await client.post(door, content=picture, headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "fault" not in answer.text
    assert (await client.post(door, content=PAGES[7], headers=PNG)).status_code in (200, 201)


@pytest.mark.parametrize(("picture", "status", "code"), BAD)
@pytest.mark.parametrize("way", WAYS)
async def test_the_others_of_a_batch_are_answered(
    client: httpx.AsyncClient, way: str, picture: bytes, status: int, code: str
) -> None:
    first, middle, last = await predictions(client, way, [PAGES[7], picture, PAGES[2]])
    assert (first["label"], middle["error"]["code"], last["label"]) == ("7", code, "2")


@pytest.mark.parametrize(("picture", "status", "code"), BAD)
async def test_the_other_rows_of_an_upload_are_kept(
    client: httpx.AsyncClient, picture: bytes, status: int, code: str
) -> None:
    files = [("7/a.png", PAGES[7]), ("7/b.png", picture), ("2/a.png", PAGES[2])]
    answer = await client.post("/v1/files", content=zipped(files), headers={"content-type": "application/zip"})
    assert answer.status_code in (200, 201), answer.text
    report = answer.json()["report"]
    assert (report["kept"], report["refused"]) == (2, {code: 1})


async def test_scikit_learns_digits_are_read_at_their_8_by_8_pixels(client: httpx.AsyncClient) -> None:
    """A sixth of them; tests/long asks for all."""
    assert await read_right(client, slice(0, 300)) > 0.946


async def read_right(client: httpx.AsyncClient, part: slice) -> float:
    """The share of these of scikit-learn's digits that are read right; none is refused or thought blank."""
    pixels, labels = load_digits(return_X_y=True)
    pictures = [png((digit.reshape(8, 8) * 255 / 16).astype(np.uint8)) for digit in pixels[part]]
    read = []
    for start in range(0, len(pictures), 256):
        read += await predictions(client, "zip", pictures[start : start + 256], top_k="1")
    assert len(read) == len(pictures)
    assert not [one for one in read if "error" in one or "blank_image" in one["warnings"]]
    return float(np.mean([one["label"] == str(label) for one, label in zip(read, labels[part], strict=True)]))
