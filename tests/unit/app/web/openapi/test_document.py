"""The OpenAPI document says what any request can be told, what a key must allow, and nothing that is never answered."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from app.web import openapi
from app.web.openapi import raises
from app.web.openapi.document import operations
from app.web.openapi.names import operation_id

ANY = {"400", "403", "408", "413", "415", "422", "429", "431", "500", "503"}  # of every request


@pytest.fixture
def app() -> FastAPI:
    service = FastAPI(generate_unique_id_function=operation_id)

    @service.get("/read", responses=raises("file_not_found"))
    async def read_it(top_k: int = 1) -> int:
        return top_k

    @service.post("/read")
    async def sent(body: dict[str, int]) -> int:
        return len(body)

    openapi.install(service)
    return service


def told(app: FastAPI, method: str, path: str = "/read") -> dict[str, Any]:
    return dict(app.openapi()["paths"][path][method])


def test_an_operation_has_its_own_codes_and_those_of_any_request(app: FastAPI) -> None:
    assert set(told(app, "get")["responses"]) == {"200", "401", "404", *ANY}
    assert "`file_not_found`" in told(app, "get")["responses"]["404"]["description"]
    assert set(told(app, "post")["responses"]) == {"200", "401", *ANY}


def test_fastapis_own_422_is_gone_with_its_schemas(app: FastAPI) -> None:
    assert set(app.openapi()["components"]["schemas"]) == {"Problem", "ProblemError", "Body"}  # that of `sent`
    assert "HTTPValidationError" not in str(app.openapi())


def test_a_value_can_be_wrong_only_where_there_is_one(app: FastAPI) -> None:
    codes = {method: told(app, method)["responses"]["422"] for method in ("get", "post")}
    shown = app.openapi()["components"]["responses"]
    texts = {method: str(one) + str(shown.get(one.get("$ref", "").rpartition("/")[2])) for method, one in codes.items()}
    assert "validation_failed" in texts["get"] and "validation_failed" not in texts["post"]


def test_each_operation_says_what_a_key_must_allow_and_open_ones_that_none_is_needed() -> None:
    app = FastAPI()

    @app.get("/healthz")
    async def healthz() -> int:
        return 1

    @app.post("/v1/predict")
    async def predict() -> int:
        """Reads."""
        return 1

    openapi.install(app)
    health, reading = told(app, "get", "/healthz"), told(app, "post", "/v1/predict")
    assert (health["security"], "401" in health["responses"]) == ([], False)
    assert reading["security"] == [{"bearer": ["predict"]}] and "401" in reading["responses"]
    assert reading["description"] == "Reads.\n\nNeeds a key that allows `predict`."
    assert app.openapi()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_operation_takes_a_name_for_the_request_and_says_it_again(app: FastAPI) -> None:
    for _, _, operation in operations(app.openapi()):
        assert {"$ref": "#/components/parameters/RequestId"} in operation["parameters"]
        assert "X-Request-ID" in operation["responses"]["200"]["headers"]


def test_an_app_without_routes_has_the_schema_too() -> None:
    app = FastAPI()
    openapi.install(app)
    assert set(app.openapi()["components"]["schemas"]) == {"Problem", "ProblemError"}


def test_the_document_is_made_once(app: FastAPI) -> None:
    assert app.openapi() is app.openapi()


async def test_it_is_served_as_it_is() -> None:
    app = FastAPI(openapi_url=None)
    openapi.install(app)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as http:
        answers = await asyncio.gather(*(http.get("/openapi.json") for _ in range(3)))
    assert [answer.json() for answer in answers] == [app.openapi()] * 3
    assert answers[0].headers["content-type"] == "application/json"
