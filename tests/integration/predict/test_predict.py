"""POST /v1/predict through the whole app, on the shipped version."""

import base64
import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from app.main import create_app
from app.settings import Settings
from models_store.files import Pixels
from models_store.model import Model, load_fastest, predict_all
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import EXAMPLES, running
from tests.support.pictures import encoded, png
from training.data import sources
from training.synthetic import strokes

PNG = {"content-type": "image/png"}


def file(content: bytes) -> dict[str, tuple[str, bytes, str]]:
    return {"file": ("digit.png", content, "image/png")}


async def test_multipart_and_raw_bytes_get_the_same_answer(client: httpx.AsyncClient) -> None:
    picture = (EXAMPLES / "7.png").read_bytes()
    answers = [
        await client.post("/v1/predict", files=file(picture)),
        await client.post("/v1/predict", content=picture, headers=PNG),
        await client.post("/v1/predict", content=picture, headers={"content-type": "application/octet-stream"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    first, *others = (answer.json() for answer in answers)
    assert first["label"] == "7" and first["model"] == "digits@1" and not first["uncertain"]
    assert set(first["probabilities"]) == set("0123456789")
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert first["confidence"] == first["probabilities"]["7"] == max(first["probabilities"].values())
    assert all(other["probabilities"] == first["probabilities"] for other in others)
    assert len({first["id"], *(other["id"] for other in others)}) == 3


async def test_top_k_keeps_the_best_ones_first(client: httpx.AsyncClient) -> None:
    picture = (EXAMPLES / "3.png").read_bytes()
    whole = (await client.post("/v1/predict", files=file(picture))).json()["probabilities"]
    best = (await client.post("/v1/predict?top_k=3", files=file(picture))).json()["probabilities"]
    assert list(best.items()) == sorted(whole.items(), key=lambda pair: -pair[1])[:3]


async def test_prepared_is_what_the_model_saw(client: httpx.AsyncClient) -> None:
    picture = (EXAMPLES / "3.png").read_bytes()
    first = (await client.post("/v1/predict?prepared=true", files=file(picture))).json()
    seen = base64.b64decode(first["prepared"])
    again = (await client.post("/v1/predict?prepared=true", content=seen, headers=PNG)).json()
    assert again["prepared"] == first["prepared"]  # MNIST's format passes untouched
    assert again["probabilities"] == first["probabilities"]
    assert "prepared" not in (await client.post("/v1/predict", content=seen, headers=PNG)).json()


@pytest.mark.parametrize("ref", ["digits", "digits@champion", "digits@1"])
async def test_every_form_of_a_ref_reaches_the_version(client: httpx.AsyncClient, ref: str) -> None:
    answer = await client.post("/v1/predict", params={"model": ref}, files=file((EXAMPLES / "0.png").read_bytes()))
    assert (answer.status_code, answer.json()["model"]) == (200, "digits@1")


@pytest.mark.parametrize(
    ("ref", "status", "code"),
    [
        ("nope", 404, "model_not_found"),
        ("digits@9", 404, "model_not_found"),
        ("digits@previous", 404, "model_not_found"),
        ("../../x", 422, "bad_model_name"),
        ("a\0", 422, "bad_model_name"),
        ("\uff0e\uff0e", 422, "bad_model_name"),
        ("%2e%2e", 422, "bad_model_name"),
        ("a\r\nb", 422, "bad_model_name"),
        ("", 422, "bad_model_name"),
    ],
)
async def test_a_ref_that_leads_nowhere(client: httpx.AsyncClient, ref: str, status: int, code: str) -> None:
    answer = await client.post("/v1/predict", params={"model": ref}, content=b"x", headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("grey", [0, 255, 128])
async def test_a_blank_picture_is_never_a_confident_digit(client: httpx.AsyncClient, grey: int) -> None:
    for side in (28, 200):
        picture = png(np.full((side, side), grey, np.uint8))
        answer = (await client.post("/v1/predict", files=file(picture))).json()
        assert answer["uncertain"] is True
        assert answer["warnings"] == ["blank_image"]


async def test_ten_digits_dark_on_a_white_page_off_centre_are_read_right(client: httpx.AsyncClient) -> None:
    rng = np.random.default_rng(2026)
    pages = [strokes.on_paper(label, rng, size=(200, 300)) for label in range(10)]
    answers = [(await client.post("/v1/predict", files=file(png(page)))).json() for page in pages]
    assert [answer["label"] for answer in answers] == list("0123456789")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
async def test_every_format(client: httpx.AsyncClient, kind: str) -> None:
    page = strokes.on_paper(5, np.random.default_rng(5))
    answer = await client.post("/v1/predict", content=encoded(page, kind), headers={"content-type": f"image/{kind}"})
    assert answer.json()["label"] == "5"


async def test_digits_of_mnist_get_the_labels_of_the_model_itself(tmp_path: Path, data_dir: Path) -> None:
    """Every tenth; tests/long asks for all of them."""
    test = sources.mnist(data_dir).test
    answers, expected = await read_both_ways(tmp_path, test.pictures.numpy()[::10])
    assert answers == expected
    assert np.mean([one == str(label) for one, label in zip(answers, test.labels[::10].tolist(), strict=True)]) >= 0.996


async def read_both_ways(tmp_path: Path, digits: Pixels) -> tuple[list[str], list[str]]:
    """The labels that a service of its own answers to PNG files of them, and those of the model itself."""
    async with running(create_app(Settings(store_dir=tmp_path / "store"))) as http:
        serving = (await http.get("/v1/models/digits")).json()["serving"]
        version = Registry(tmp_path / "store").resolve(Ref("digits"))
        model = Model.load(version.folder, version.manifest, serving["candidate"])
        answers = [
            (await http.post("/v1/predict?top_k=1", content=png(digit[0]), headers=PNG)).json()["label"]
            for digit in digits
        ]
    return answers, [str(label) for label in predict_all(model, digits).argmax(1)]


async def test_the_candidate_that_serves_is_one_that_agrees(registry: Registry, client: httpx.AsyncClient) -> None:
    version = registry.resolve(Ref("digits"))
    served = (await client.get("/v1/models/digits")).json()["serving"]["candidate"]
    assert served in version.manifest.candidates
    assert load_fastest(version.folder, version.manifest).candidate in version.manifest.candidates


async def test_json_is_not_a_picture(client: httpx.AsyncClient) -> None:
    body = json.dumps({"file": base64.b64encode(b"x").decode()})
    answer = await client.post("/v1/predict", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
