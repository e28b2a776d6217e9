"""GET /v1/models, readiness, and what happens when the store changes or breaks under a running service."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from app.main import create_app
from app.settings import Settings
from models_store.registry import Registry
from tests.conftest import EXAMPLES, republished, running
from tests.support.patience import Patience

PICTURE = (EXAMPLES / "7.png").read_bytes()


def flip_a_bit(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)


async def answering(http: httpx.AsyncClient, model: str = "digits") -> str:
    answer = await http.post(f"/v1/predict?model={model}", content=PICTURE, headers={"content-type": "image/png"})
    return str(answer.json().get("model") or answer.json()["code"])


async def until_answering(http: httpx.AsyncClient, ref: str) -> None:
    patience = Patience(f"{ref} to serve")
    while await answering(http) != ref:
        await asyncio.sleep(patience.pause())


async def test_the_list_has_one_entry_per_model(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/models")).json()
    assert answer["object"] == "list"
    (entry,) = answer["data"]
    assert (entry["id"], entry["object"], entry["owned_by"]) == ("digits", "model", "digitserve")
    assert (entry["versions"], entry["aliases"]) == ([1], {"champion": 1})
    assert entry["labels"] == list("0123456789")
    assert entry["metrics"]["accuracy"] >= 0.996
    assert datetime.datetime.fromtimestamp(entry["created"], datetime.UTC).year >= 2026


async def test_one_version_shows_its_manifest(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/models/digits@champion")).json()
    assert (answer["id"], answer["aliases"]) == ("digits@1", ["champion"])
    assert answer["manifest"]["data"]["source"] == "mnist"
    assert answer["serving"]["device"] == "cpu"


@pytest.mark.parametrize(("ref", "status"), [("nope", 404), ("digits@8", 404), ("..%2f..%2fx", 404), ("a%00", 422)])
async def test_a_ref_that_leads_nowhere(client: httpx.AsyncClient, ref: str, status: int) -> None:
    assert (await client.get(f"/v1/models/{ref}")).status_code == status


async def test_health_and_readiness(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert (await client.get("/readyz")).json() == {"status": "ready", "model": "digits@1"}


async def test_without_the_default_model_the_service_comes_up_and_says_so(tmp_path: Path) -> None:
    async with running(create_app(Settings(store_dir=tmp_path / "store", default_model="letters"))) as http:
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["code"], ready.headers["retry-after"]) == (503, "not_ready", "5")
        assert await answering(http, "letters") == "model_not_found"
        assert await answering(http) == "digits@1"


async def test_a_promotion_and_a_rollback_reach_the_running_service(
    registry: Registry, client: httpx.AsyncClient
) -> None:
    republished(registry)
    assert await answering(client) == "digits@1"
    registry.promote("digits", 2, expected=1)  # as another process does it
    await until_answering(client, "digits@2")
    assert await answering(client, "digits@previous") == "digits@1"
    registry.rollback("digits")
    await until_answering(client, "digits@1")


async def test_a_promotion_over_http_serves_when_it_is_answered(registry: Registry, client: httpx.AsyncClient) -> None:
    republished(registry)
    url = "/v1/models/digits/aliases/champion"
    done = await client.put(url, json={"version": 2, "expected": 1})
    assert done.json() == {"model": "digits", "aliases": {"champion": 2, "previous": 1}}
    assert await answering(client) == "digits@2"
    lost = await client.put(url, json={"version": 1, "expected": 1})
    assert (lost.status_code, lost.json()["code"]) == (409, "alias_moved")
    assert "now points at 2" in lost.json()["detail"]
    back = await client.post("/v1/models/digits/rollback")
    assert back.json()["aliases"] == {"champion": 1, "previous": 2}
    assert await answering(client) == "digits@1"


async def test_an_alias_of_ones_own(registry: Registry, client: httpx.AsyncClient) -> None:
    republished(registry)
    assert (await client.put("/v1/models/digits/aliases/canary", json={"version": 2})).status_code == 200
    assert await answering(client, "digits@canary") == "digits@2"
    assert await answering(client) == "digits@1"


@pytest.mark.parametrize(
    ("url", "body", "status", "code"),
    [
        ("/v1/models/digits/aliases/champion", {"version": 9, "expected": 1}, 404, "model_not_found"),
        ("/v1/models/nope/aliases/champion", {"version": 1}, 404, "model_not_found"),
        ("/v1/models/digits/aliases/7", {"version": 1}, 422, "bad_model_name"),
        ("/v1/models/digits/aliases/champion", {"version": 0}, 422, "validation_failed"),
        ("/v1/models/digits/aliases/champion", {"version": True}, 422, "validation_failed"),
        ("/v1/models/digits/aliases/champion", {"version": "1"}, 422, "validation_failed"),
        ("/v1/models/digits/aliases/champion", {"version": 1, "force": True}, 422, "validation_failed"),
        ("/v1/models/digits/aliases/champion", [], 422, "validation_failed"),
    ],
)
async def test_a_promotion_that_makes_no_sense(
    client: httpx.AsyncClient, url: str, body: object, status: int, code: str
) -> None:
    answer = await client.put(url, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await answering(client) == "digits@1"


@pytest.mark.parametrize("body", [b"{", b'{"version": NaN}', b'{"version": 1e999}', b"[" * 100_000, b'{"a": "\\ud800"}',
                                  b'{"version": ' + b"9" * 10_000 + b"}", b"\xff"])  # fmt: skip
async def test_json_that_is_none_is_never_a_500(client: httpx.AsyncClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.put("/v1/models/digits/aliases/champion", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "json_malformed")


async def test_delete_is_refused_while_an_alias_points_there(registry: Registry, client: httpx.AsyncClient) -> None:
    republished(registry)
    in_use = await client.delete("/v1/models/digits@1")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "version_in_use")
    assert (await client.delete("/v1/models/digits")).status_code == 422
    assert (await client.delete("/v1/models/digits@2")).json() == {"id": "digits@2", "object": "model", "deleted": True}
    assert (await client.delete("/v1/models/digits@2")).status_code == 404
    assert (await client.get("/v1/models")).json()["data"][0]["versions"] == [1]


async def test_a_rejected_version_is_not_promoted(registry: Registry, client: httpx.AsyncClient) -> None:
    republished(registry, accepted=False)
    answer = await client.put("/v1/models/digits/aliases/champion", json={"version": 2, "expected": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "version_rejected")


@pytest.mark.parametrize(
    "name", ["model.pt", "model.int8.pt", "weights.safetensors", "report/confusion.png", "manifest.json"]
)
async def test_a_flipped_bit_in_the_champion_is_refused_and_the_previous_version_serves(
    registry: Registry, tmp_path: Path, name: str
) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    flip_a_bit(registry.root / "digits" / "2" / name)
    async with running(create_app(Settings(store_dir=registry.root))) as http:
        assert await answering(http) == "digits@1"
        assert (await http.get("/readyz")).json()["model"] == "digits@1"
        refused = await http.post("/v1/predict?model=digits@2", content=PICTURE, headers={"content-type": "image/png"})
        assert (refused.status_code, refused.json()["code"]) == (503, "version_corrupt")
        assert name in refused.json()["detail"]


@pytest.mark.parametrize("broken", ["store", "aliases"])
async def test_a_store_that_takes_nothing_leaves_the_service_up_and_not_ready(tmp_path: Path, broken: str) -> None:
    store = tmp_path / "store"
    if broken == "store":
        store.write_text("no folder")
    else:
        (store / "digits").mkdir(parents=True)
        (store / "digits" / "aliases.json").write_text("{")
    with capture_logs() as logs:
        async with running(create_app(Settings(store_dir=store))) as http:
            assert (await http.get("/healthz")).status_code == 200
            assert (await http.get("/readyz")).json()["code"] == "not_ready"
            assert (await http.get("/v1/models")).json()["data"] == []
            assert await answering(http) == {"store": "model_not_found", "aliases": "version_corrupt"}[broken]
    assert {"store_refuses", "not_ready"} <= {line["event"] for line in logs if line["log_level"] == "error"}


async def test_a_corrupt_only_version_leaves_the_service_up_and_not_ready(registry: Registry) -> None:
    flip_a_bit(registry.root / "digits" / "1" / "model.pt")
    async with running(create_app(Settings(store_dir=registry.root))) as http:
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503
        assert await answering(http) == "version_corrupt"


async def test_a_body_over_the_cap_is_413_here_too(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 2**20

    answer = await client.put("/v1/models/digits/aliases/champion", content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_a_foreign_folder_and_a_damaged_alias_file_hide_no_model(
    registry: Registry, client: httpx.AsyncClient
) -> None:
    (registry.root / "lost+found").mkdir()
    (registry.root / "digits" / "aliases.json").write_text("?")
    assert [entry["id"] for entry in (await client.get("/v1/models")).json()["data"]] == ["digits"]
    assert await answering(client) == "digits@1"


async def test_a_version_that_is_a_link_serves_nobody_and_its_deletion_touches_nothing(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "store")
    home = tmp_path / "outside"
    republished(registry).folder.rename(home)
    (registry.root / "digits" / "2").symlink_to(home)
    before = sorted(path.name for path in home.iterdir())
    promotion = {"version": 2, "expected": 1}
    for answer in (
        await client.get("/v1/models/digits@2"),
        await client.delete("/v1/models/digits@2"),
        await client.put("/v1/models/digits/aliases/champion", json=promotion),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "version_unusable")
        assert answer.json()["detail"].startswith("digits@2 is a link to another folder")
    assert await answering(client, "digits@2") == "version_unusable" and await answering(client) == "digits@1"
    assert sorted(path.name for path in home.iterdir()) == before
