"""What /v2 says of models: metadata, configuration, readiness, statistics."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from models_store.shipped_version import open_store
from tests.conftest import EXAMPLES, republished, running

SEVEN = (EXAMPLES / "7.png").read_bytes()


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """With digits@1, the champion, and digits@2, of which one file is damaged."""
    place = tmp_path_factory.mktemp("v2")
    (republished(open_store(place / "store")).folder / "model.pt").write_bytes(b"damaged")
    async with running(create_app(Settings(store_dir=place / "store", state_dir=place / "state"))) as client:
        yield client


@pytest.mark.parametrize("path", ["", "/versions/2"])
async def test_metadata_and_configuration_are_those_of_a_version(http: httpx.AsyncClient, path: str) -> None:
    said = (await http.get(f"/v2/models/digits{path}")).json()
    assert (said["name"], said["versions"]) == ("digits", ["1", "2"])
    assert said["inputs"][0] == {"name": "image", "datatype": "FP32", "shape": [-1, 1, 28, 28]}
    configuration = (await http.get(f"/v2/models/digits{path}/config")).json()
    assert configuration["version_policy"]["specific"]["versions"] == [2 if path else 1]
    assert json.loads(configuration["parameters"]["labels"]["string_value"]) == list("0123456789")


async def test_ready_is_what_can_be_loaded(http: httpx.AsyncClient) -> None:
    for path in ("", "/versions/1"):
        answer = await http.get(f"/v2/models/digits{path}/ready")
        assert (answer.status_code, answer.json()) == (200, {"name": "digits", "ready": True})
    answer = await http.get("/v2/models/digits/versions/2/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "version_corrupt")
    assert (await http.get("/v2/models/nope/ready")).status_code == 404


async def test_statistics_are_what_was_read_by_every_door(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v2/models/stats")).json() == {"model_stats": []}
    for _ in range(2):
        await http.post("/v1/predict", files={"file": SEVEN})
    await http.post("/v2/models/digits/infer", content=SEVEN, headers={"Inference-Header-Content-Length": "0"})
    rows = {"name": "image", "datatype": "UINT8", "shape": [3, 784], "data": [0] * 3 * 784}
    await http.post("/v2/models/digits/infer", json={"inputs": [rows]})
    for path in ("stats", "digits/stats", "digits/versions/1/stats", "digits@champion/stats"):
        (one,) = (await http.get(f"/v2/models/{path}")).json()["model_stats"]
        assert (one["name"], one["version"], one["inference_count"], one["execution_count"]) == ("digits", "1", 6, 4)
        stats = one["inference_stats"]
        assert {name: part["count"] for name, part in stats.items()} == {
            "success": 4, "queue": 4, "compute_input": 4, "compute_infer": 4,
        }  # fmt: skip
        assert stats["success"]["ns"] >= stats["compute_infer"]["ns"] > 0
    assert (await http.get("/v2/models/digits/versions/2/stats")).json() == {"model_stats": []}
    assert (await http.get("/v2/models/nope/stats")).status_code == 404


@pytest.mark.parametrize("path", ["", "/config", "/ready", "/stats"])
async def test_what_there_is_not_is_said_in_a_string(http: httpx.AsyncClient, path: str) -> None:
    for model, status, code in (
        ("nope", 404, "model_not_found"), ("digits/versions/9", 404, "model_not_found"),
        ("Digits", 400, "bad_model_name"), ("digits/versions/0", 400, "bad_model_name"),
        ("digits@nobody", 404, "model_not_found"), ("digits%00", 400, "bad_model_name"),
    ):  # fmt: skip
        answer = await http.get(f"/v2/models/{model}{path}")
        said = answer.json()
        assert (answer.status_code, said["code"], said["error"]) == (status, code, said["detail"]), model
    assert (await http.head(f"/v2/models/digits{path}")).status_code == 200
