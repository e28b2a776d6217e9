"""Every route of the real app: nobody gets in without a key, nor with one that allows all but what it needs."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount, Route

from app.main import create_app
from app.settings import Settings
from app.storage.db import Database
from app.v2 import missing
from app.web.access.key_store import KeyStore
from app.web.access.scopes import MEANINGS, OPEN, is_named, needed
from tests.conftest import running

OPEN_TO_ALL = {
    "GET /", "GET /review", "GET /held", "GET /shadow", "GET /docs", "GET /redoc", "GET /openapi.json",
    "GET /healthz", "GET /readyz", "GET /v2/health/live", "GET /v2/health/ready", "GET /ui/style.css",
}  # fmt: skip


def routes_of(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Method and path of each; a kind of route that this test does not know fails it."""
    for route in routes:
        inside = getattr(route, "original_router", None)
        if inside is not None:
            yield from routes_of(inside.routes)
        elif isinstance(route, Mount):
            assert route.path == "/ui", "what is below it needs a line here"
            yield "GET", "/ui/style.css"
        else:
            assert isinstance(route, Route)
            yield from ((method, route.path) for method in sorted(route.methods or ()) if method != "HEAD")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    place = tmp_path_factory.mktemp("walk")
    return Settings(store_dir=place / "store", state_dir=place / "state")


@pytest.fixture(scope="module")
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture(scope="module")
def walk(app: FastAPI) -> list[tuple[str, str]]:
    """Every method with its path, the names in it filled with what nothing is called."""
    return [(method, path.replace("{", "").replace("}", "")) for method, path in routes_of(app.router.routes)]


@pytest.fixture(scope="module")
def keys(settings: Settings) -> dict[str, str]:
    """Scope -> a key that allows it alone; `not` and a scope -> one that allows all others but `admin`."""
    database = Database(settings.database)
    store = KeyStore(database)
    made = {scope: store.create(scope, [scope])[0] for scope in MEANINGS}
    for scope in MEANINGS:
        others = [other for other in MEANINGS if other not in (scope, "admin")]
        made[f"not {scope}"] = store.create(f"not {scope}", others)[0]
    database.close()
    return made


@pytest.fixture(scope="module")
async def http(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        yield client


async def asked(http: httpx.AsyncClient, method: str, path: str, key: str | None = None) -> tuple[int, str | None]:
    """The status of the answer, and the code of a refusal."""
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    answer = await http.request(method, path, headers=headers)
    is_problem = answer.headers.get("content-type", "").startswith("application/problem")
    return answer.status_code, answer.json()["code"] if is_problem and answer.content else None


async def test_the_open_ones_are_those_that_are_named_here(
    http: httpx.AsyncClient, walk: list[tuple[str, str]]
) -> None:
    assert {f"{method} {path}" for method, path in walk if needed(method, path) == OPEN} == OPEN_TO_ALL
    for line in OPEN_TO_ALL:
        method, path = line.split(" ")
        for verb in (method, "HEAD"):
            for key in (None, "ds_nonsense"):
                assert (await asked(http, verb, path, key))[0] == 200, line


async def test_the_document_has_every_route_and_what_it_needs(app: FastAPI, http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    pages = OPEN_TO_ALL - {"GET /healthz", "GET /readyz", "GET /v2/health/live", "GET /v2/health/ready"}
    pages |= {" ".join(one) for one in routes_of(missing.router().routes)}  # which only say that they are not here
    assert described == {one for one in routes_of(app.router.routes) if " ".join(one) not in pages}
    for method, path in described:
        operation, scope = paths[path][method.lower()], needed(method, path)
        assert operation["security"] == ([{"bearer": [scope]}] if scope else []), path
        assert ({"401", "403"} <= set(operation["responses"])) == bool(scope)
        assert scope == OPEN or operation["description"].endswith(f"Needs a key that allows `{scope}`."), path


def test_a_line_of_the_table_names_each_route(walk: list[tuple[str, str]]) -> None:
    unnamed = [(method, path) for method, path in walk if not is_named(method, path)]
    assert unnamed == []  # their holders would hear that no route takes it


async def test_without_a_key_no_other_route_answers(http: httpx.AsyncClient, walk: list[tuple[str, str]]) -> None:
    closed = [(method, path) for method, path in walk if f"{method} {path}" not in OPEN_TO_ALL]
    assert len(closed) > 30
    for method, path in closed:
        for verb in (method, "HEAD", "OPTIONS"):
            status, code = await asked(http, verb, path)
            assert (status, code) == (401, None if verb == "HEAD" else "key_missing"), (verb, path)
        assert await asked(http, method, path, "ds_nonsense") == (401, "key_invalid"), path


async def test_a_key_opens_what_it_allows_and_nothing_else(
    http: httpx.AsyncClient, walk: list[tuple[str, str]], keys: dict[str, str]
) -> None:
    for method, path in walk:
        scope = needed(method, path)
        if scope == OPEN:
            continue
        assert await asked(http, method, path, keys[f"not {scope}"]) == (403, "scope_missing"), (method, path)
        for right in (scope, "admin"):
            assert (await asked(http, method, path, keys[right]))[0] not in (401, 403), (method, path, right)


async def test_tricks_with_paths_open_nothing(http: httpx.AsyncClient, keys: dict[str, str]) -> None:
    tricks = (
        "//v1/models", "/v1//models", "/V1/models", "/v1/models/", "/./v1/models", "/healthz/../v1/models",
        "/ui/../v1/models", "/ui/..%2fv1/models", "/v1/models%2f", "/v1/models%00", "/v1/models%0a", "/v1/models;x",
        "/healthz%2f..%2fv1%2fmodels", "/docs/../v1/models", "/nowhere", "/v1/feedback/export%0a", "/metrics",
    )  # fmt: skip
    for path in tricks:
        for method in ("GET", "HEAD", "POST", "DELETE", "PATCH"):
            request = http.build_request(method, "/")
            request.url = request.url.copy_with(raw_path=path.encode())
            answer = await http.send(request)
            is_a_file = path.startswith("/ui/..")  # below it there are only files that come with the software
            assert answer.status_code in ((401, 404) if is_a_file else (401,)), (method, path)
    allowed = {"authorization": f"Bearer {keys['predict']}"}
    for path in ("/v1/models%2fdigits", "/%76%31/models"):  # these are the route, spelled otherwise
        request = http.build_request("GET", "/", headers=allowed)
        request.url = request.url.copy_with(raw_path=path.encode())
        assert (await http.send(request)).status_code == 200, path


async def test_a_job_that_promotes_by_itself_needs_more_than_to_train(
    http: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    for promote, expected in (("if_better", 403), ("shadow", 403), ("never", 404)):
        how = {"type": "supervised", "supervised": {"promote": promote}}
        body = {"model": "digits", "training_file": "file-" + "0" * 24, "method": how}
        for key, status in (("train", expected), ("admin", 404)):
            headers = {"authorization": f"Bearer {keys[key]}", "idempotency-key": "one"}
            answer = await http.post("/v1/fine_tuning/jobs", json=body, headers=headers)
            assert answer.status_code == status, (promote, key)
            assert status == 404 or ("`admin`" in answer.json()["detail"] and answer.json()["code"] == "scope_missing")


async def test_who_may_train_cannot_have_strangers_corrections_learned_unlooked_at(
    http: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    headers = {"authorization": f"Bearer {keys['train']}"}
    how = {"type": "supervised", "supervised": {"inspect": False}}
    for training_file, status in (("feedback", 403), ("file-" + "0" * 24, 404)):  # an upload is their own
        body = {"model": "digits", "training_file": training_file, "method": how}
        assert (await http.post("/v1/fine_tuning/jobs", json=body, headers=headers)).status_code == status
