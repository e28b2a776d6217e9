"""What /v2 says of the server: whether it lives and is ready, what it is, and which versions it has."""

from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from models_store.registry import Registry
from tests.conftest import republished, running


async def test_alive_ready_and_what_it_is(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v2/health/live")).json() == {"live": True}
    assert (await client.get("/v2/health/ready")).json() == {"ready": True}
    said = (await client.get("/v2")).json()
    assert (said["name"], said["version"]) == ("digitserve", version("digitserve"))
    assert {"binary_tensor_data", "classification", "statistics"} <= set(said["extensions"])
    for path in ("", "/health/live", "/health/ready"):
        assert (await client.head(f"/v2{path}")).status_code == 200


async def test_a_server_without_a_model_lives_and_is_not_ready(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "store" / "digits" / "1" / "model.pt").write_bytes(b"damaged")
    async with running(create_app(Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state"))) as http:
        assert (await http.get("/v2/health/live")).status_code == 200
        answer = await http.get("/v2/health/ready")
        said = answer.json()
        assert (answer.status_code, said["code"]) == (503, "not_ready") and said["error"] == said["detail"]
        assert int(answer.headers["retry-after"]) > 0


async def test_the_index_has_every_version_and_how_it_is(tmp_path: Path, registry: Registry) -> None:
    republished(registry)
    (republished(registry).folder / "manifest.json").write_bytes(b"damaged")
    async with running(create_app(Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state"))) as http:
        for body in (b"", b"{}", b'{"ready": false}'):
            found = (await http.post("/v2/repository/index", content=body)).json()
            assert [(one["name"], one["version"], one["state"]) for one in found] == [
                ("digits", "1", "READY"), ("digits", "2", "READY"), ("digits", "3", "UNAVAILABLE"),
            ]  # fmt: skip
            assert "loaded" in found[0]["reason"] and found[2]["reason"].startswith("manifest.json")
        ready = (await http.post("/v2/repository/index", content=b'{"ready": true}')).json()
        assert [one["version"] for one in ready] == ["1", "2"]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"[]", "infer_request_invalid"), (b'{"ready": 1}', "infer_request_invalid"), (b"{", "json_malformed")],
)
async def test_what_asks_for_no_index_is_refused(client: httpx.AsyncClient, body: bytes, code: str) -> None:
    answer = await client.post("/v2/repository/index", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["error"] == answer.json()["detail"]
