"""POST /v1/predict?explain=true through the whole app."""

import asyncio
import base64
import io
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from app.main import create_app
from app.settings import Settings
from models_store.files import Pixels
from models_store.model import Model
from models_store.pictures import saliency
from models_store.pictures.prepare import prepare
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import InputSpec
from tests.conftest import EXAMPLES, republished, running
from tests.support.patience import PATIENCE_SECONDS, until
from tests.support.pictures import png

SEVEN = (EXAMPLES / "7.png").read_bytes()
RAW = {"content-type": "image/png"}


def opened(encoded: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


async def explained(http: httpx.AsyncClient, picture: bytes, **params: str) -> httpx.Response:
    return await http.post("/v1/predict", params={"explain": "true", **params}, content=picture, headers=RAW)


async def test_it_is_a_picture_of_what_the_models_plain_candidate_says(
    client: httpx.AsyncClient, registry: Registry
) -> None:
    answer = (await explained(client, SEVEN)).json()
    image = opened(answer["explanation"])
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (280, 280))
    version = registry.resolve(Ref("digits"))
    pixels = prepare(SEVEN, version.manifest.input).pixels
    label, spoken = Model.load(version.folder, version.manifest).explain(pixels)
    assert version.manifest.labels[label] == answer["label"] == "7"
    expected = np.asarray(Image.open(io.BytesIO(saliency.drawn(pixels, spoken)))).astype(int)
    assert np.abs(np.asarray(image).astype(int) - expected).max() <= 2


async def test_it_comes_only_when_it_is_asked_for_and_changes_nothing_else(client: httpx.AsyncClient) -> None:
    plain = (await client.post("/v1/predict", content=SEVEN, headers=RAW)).json()
    with_it = (await explained(client, SEVEN)).json()
    assert "explanation" not in plain
    del with_it["explanation"]
    for answer in (plain, with_it):
        del answer["id"], answer["timing_ms"]
    assert with_it == plain


async def test_a_blank_picture_has_nothing_that_speaks(client: httpx.AsyncClient) -> None:
    answer = await explained(client, png(np.full((90, 90), 255, np.uint8)))
    assert answer.json()["warnings"] == ["blank_image"]
    assert (np.asarray(opened(answer.json()["explanation"])) == 255).all()


@pytest.mark.parametrize("picture", [b"", b"no picture", SEVEN[:-40]])
async def test_a_bad_picture_is_refused_as_without_it(client: httpx.AsyncClient, picture: bytes) -> None:
    refused, plain = await explained(client, picture), await client.post("/v1/predict", content=picture, headers=RAW)
    assert 400 <= refused.status_code < 500
    assert (refused.status_code, refused.json()["code"]) == (plain.status_code, plain.json()["code"])


async def test_whole_pictures_are_explained_too(registry: Registry, tmp_path: Path) -> None:
    version = republished(registry, input=InputSpec(preparation="picture"))
    async with running(create_app(Settings(store_dir=tmp_path / "store"))) as http:
        answer = await explained(http, SEVEN, model=version.ref)
    assert answer.json()["model"] == version.ref
    image = opened(answer.json()["explanation"])
    assert image.size == (280, 280)
    assert np.asarray(image).std() > 5


async def test_more_explanations_than_can_be_made_soon_are_refused_and_the_others_made(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    let, explain = threading.Event(), Model.explain

    def waiting(self: Model, pixels: Pixels) -> tuple[int, np.ndarray]:
        assert let.wait(PATIENCE_SECONDS)
        return explain(self, pixels)

    monkeypatch.setattr(Model, "explain", waiting)
    picture = png(np.asarray(Image.open(io.BytesIO(SEVEN)).convert("L").resize((28, 28))))
    asked = [asyncio.create_task(explained(client, picture)) for _ in range(9)]
    try:
        (refused,) = await until(lambda: [one for one in asked if one.done()])
        assert (refused.result().status_code, refused.result().json()["code"]) == (429, "too_busy")
        assert (await client.post("/v1/predict", content=picture, headers=RAW)).status_code == 200
    finally:
        let.set()
    answers = [await one for one in asked]
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [429]
    assert (await explained(client, picture)).status_code == 200  # the room is free again
