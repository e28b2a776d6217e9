"""Every error has one shape and one table, and every unforeseen one is answered without its text."""

import inspect

import httpx
import pytest
from fastapi import FastAPI

import app.errors
import models_store.errors
from app.errors import AppError
from app.main import create_app
from app.settings import Settings
from app.web import error_handlers, problems
from app.web.entry import Entry
from app.web.limits import BodyLimits
from app.web.problems import Problem
from models_store.errors import StoreError

KEYS = {"type", "title", "status", "detail", "code", "request_id", "error"}


def check_shape(answer: httpx.Response) -> None:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(body) == KEYS
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    if answer.request.url.path.startswith("/v2"):
        assert body["error"] == body["detail"]
    else:
        assert set(body["error"]) == {"message", "type", "param", "code"}
        assert body["error"]["message"] == body["detail"] and body["error"]["code"] == body["code"]
    assert body["detail"].endswith(".")
    if answer.status_code in (429, 503):
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/nope"),
        ("DELETE", "/v1/predict"),
        ("POST", "/v1/predict"),
        ("POST", "/v1/read"),
        ("POST", "/v1/predict?top_k=no"),
        ("POST", "/v1/predict?top_k=0"),
        ("POST", "/v1/predict?top_k=NaN"),
        ("GET", "/v1/models/nope"),
        ("GET", "/v1/models/%ff"),
        ("POST", "/v1/files"),
        ("GET", "/v1/files/nope"),
        ("GET", "/v1/files/%00/content"),
        ("DELETE", "/v1/files/nope"),
        ("POST", "/v1/feedback"),
        ("GET", "/v1/feedback/nope"),
        ("GET", "/v1/feedback/%00/picture"),
        ("GET", "/v1/feedback/export"),
        ("GET", "/v1/feedback/summary?model=%ff"),
        ("DELETE", "/v1/feedback/nope"),
        ("GET", "/v1/review?limit=NaN"),
        ("GET", "/v1/review/%00/picture"),
        ("POST", "/v1/review/nope"),
        ("DELETE", "/v1/review/nope"),
        ("POST", "/v1/fine_tuning/jobs"),
        ("GET", "/v1/fine_tuning/jobs?limit=NaN"),
        ("GET", "/v1/fine_tuning/jobs/%ff"),
        ("POST", "/v1/fine_tuning/jobs/nope/cancel"),
        ("GET", "/v1/fine_tuning/jobs/nope/events"),
        ("GET", "/v1/fine_tuning/jobs/nope/checkpoints"),
    ],
)
async def test_every_door_answers_in_one_shape(client: httpx.AsyncClient, method: str, url: str) -> None:
    answer = await client.request(method, url)
    assert 400 <= answer.status_code < 500
    check_shape(answer)


async def test_every_route_refuses_the_wrong_method_in_that_shape(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for path, item in document["paths"].items():
        answer = await client.request("PATCH", path)
        assert answer.status_code == 405
        methods = {method.upper() for method in item} | ({"HEAD"} if "get" in item else set())
        assert set(answer.headers["allow"].split(", ")) == methods, path
        check_shape(answer)


async def test_head_is_taken_nowhere_else_than_get_is(client: httpx.AsyncClient) -> None:
    """Where both are, tests/integration/web/test_doors.py compares them."""
    document = (await client.get("/openapi.json")).json()
    for path in (path for path, item in document["paths"].items() if "get" not in item):
        head = await client.head(path)
        assert (head.status_code, head.content) == (405, b"") and "HEAD" not in head.headers["allow"], path


async def test_an_unforeseen_error_shows_nothing_of_itself() -> None:
    service = FastAPI()
    error_handlers.install(service)
    service.add_middleware(Entry, limits=BodyLimits(2**24))

    @service.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret at 0x7f00")

    transport = httpx.ASGITransport(service)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.get("/broken", headers={"x-request-id": "mine-1"})
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (500, "internal_error", "mine-1")
    assert "secret" not in answer.text
    check_shape(answer)


async def test_a_request_id_that_could_break_a_log_is_replaced(client: httpx.AsyncClient) -> None:
    for given in ('a"b', "x" * 65, "a b", ""):
        answer = await client.get("/healthz", headers={"x-request-id": given})
        assert answer.headers["x-request-id"].startswith("req_")


def test_every_error_of_app_and_store_has_a_row_or_never_leaves() -> None:
    kept_inside = {"StoreError", "AppError", "RecordRejected", "RecipeRejected"}
    kept_inside |= {"CannotListen", "CannotStart", "BackupRefused"}  # of commands
    for module in (app.errors, models_store.errors):
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Exception) and name not in kept_inside:
                assert kind in problems._TABLE, f"{name} would be answered with 500"


def test_what_is_outside_the_table_is_nobodys_problem() -> None:
    assert Problem.of(KeyError("x")) is None
    assert issubclass(app.errors.NotReady, AppError) and not issubclass(AppError, StoreError)


def test_the_openapi_document_tells_of_the_shape(tmp_path_factory: pytest.TempPathFactory) -> None:
    document = create_app(Settings(store_dir=tmp_path_factory.mktemp("store"))).openapi()
    schemas = document["components"]["schemas"]
    assert set(schemas["Problem"]["properties"]) == KEYS
    assert "HTTPValidationError" not in schemas
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"] and operation["tags"]
