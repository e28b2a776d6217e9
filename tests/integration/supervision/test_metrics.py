"""GET /metrics through the whole app: what was asked is counted, and who may read it."""

from contextlib import closing
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as in_open_metrics
from prometheus_client.parser import text_string_to_metric_families as in_text

from app.main import create_app
from app.settings import Settings
from app.storage.db import Database
from app.web.access.key_store import KeyStore
from app.web.access.scopes import ADMIN, PREDICT
from tests.conftest import running


def requests(text: str) -> dict[tuple[str, str, str], float]:
    """Those that were answered, by method, route and status."""
    (family,) = [one for one in in_text(text) if one.name == "digitserve_requests"]
    return {
        (one.labels["method"], one.labels["route"], one.labels["status"]): one.value
        for one in family.samples
        if one.name == "digitserve_requests_total"
    }


async def test_what_was_asked_is_counted(client: httpx.AsyncClient) -> None:
    for path in ("/v1/models", "/v1/models", "/v1/models/digits@9", "/v1/models/digits@8", "/nowhere"):
        await client.get(path)
    await client.head("/v1/models")
    await client.request("ODD", "/v1/models")
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-store"
    assert requests(answer.text) == {
        ("GET", "/v1/models", "200"): 2,
        ("GET", "/v1/models/{ref}", "404"): 2,
        ("GET", "other", "404"): 1,
        ("HEAD", "/v1/models", "200"): 1,
        ("other", "other", "405"): 1,
    }
    assert requests((await client.get("/metrics")).text)["GET", "/metrics", "200"] == 1


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"])
async def test_prometheus_gets_what_it_asks_for(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    found = {family.name: family for family in in_open_metrics(answer.text)}  # type: ignore[no-untyped-call]
    (version,) = found["digitserve_loaded_version_info"].samples
    assert (version.labels["version"], version.labels["device"], version.value) == ("digits@1", "cpu", 1)
    assert found["digitserve_requests_in_progress"].samples[0].value == 1  # this one


@pytest.mark.parametrize(
    "accept", ["text/plain;version=x", "application/openmetrics-text;version=\u00e4", ",;,", "*/*"]
)
async def test_whatever_a_client_accepts_is_answered(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.get("/metrics", headers=[(b"accept", accept.encode())])
    assert answer.status_code == 200


async def test_where_there_are_keys_it_needs_one_for_everything(tmp_path: Path) -> None:
    settings = Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state")
    with closing(Database(settings.database)) as database:
        keys = {scope: KeyStore(database).create(scope, [scope])[0] for scope in (ADMIN, PREDICT)}
    async with running(create_app(settings)) as http:
        asked = {
            scope: await http.get("/metrics", headers={"authorization": f"Bearer {key}"} if key else {})
            for scope, key in {**keys, "": ""}.items()
        }
    assert {scope: answer.status_code for scope, answer in asked.items()} == {ADMIN: 200, PREDICT: 403, "": 401}


async def test_no_rate_counts_it(tmp_path: Path) -> None:
    async with running(create_app(Settings(store_dir=tmp_path / "store", rate_requests=0.001))) as http:
        assert [(await http.get("/metrics")).status_code for _ in range(3)] == [200, 200, 200]
        assert [(await http.get("/v1/models")).status_code for _ in range(2)] == [200, 429]
        found = requests((await http.get("/metrics")).text)
    assert found["GET", "/v1/models", "429"] == 1
