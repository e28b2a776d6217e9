"""The OpenAPI document tells of the one shape of errors, and of no answer that is never given."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from app.web import openapi
from app.web.problems import EXAMPLE_RESPONSE, Problem


@pytest.fixture
def app() -> FastAPI:
    service = FastAPI()

    @service.get("/read", responses={"default": EXAMPLE_RESPONSE})
    async def read(top_k: int = 1) -> int:
        return top_k

    @service.post("/read")
    async def sent(body: dict[str, int]) -> int:
        return len(body)

    return service


def responses(document: dict[str, Any]) -> dict[str, set[str]]:
    return {method: set(operation["responses"]) for method, operation in document["paths"]["/read"].items()}


def test_fastapis_own_422_is_gone_with_its_schemas(app: FastAPI) -> None:
    plain = responses(FastAPI.openapi(app))
    assert plain == {"get": {"200", "default"}, "post": {"200", "422"}}  # as FastAPI has it
    app.openapi_schema = None
    openapi.install(app)
    document = app.openapi()
    assert responses(document) == {"get": {"200", "default", "401", "403"}, "post": {"200", "401", "403"}}
    assert list(document["components"]["schemas"]) == ["Problem"]


def test_each_operation_says_what_a_key_must_allow_and_open_ones_that_none_is_needed() -> None:
    app = FastAPI()

    @app.get("/healthz")
    async def healthz() -> int:
        return 1

    @app.post("/v1/predict", responses={"default": EXAMPLE_RESPONSE})
    async def predict() -> int:
        """Reads."""
        return 1

    openapi.install(app)
    document = app.openapi()
    health, reading = document["paths"]["/healthz"]["get"], document["paths"]["/v1/predict"]["post"]
    assert (health["security"], set(health["responses"])) == ([], {"200"})
    assert reading["security"] == [{"bearer": ["predict"]}]
    assert reading["description"] == "Reads.\n\nNeeds a key that allows `predict`."
    codes = {
        status: answer["content"]["application/problem+json"]["example"]["code"]
        for status, answer in reading["responses"].items()
        if status.startswith("4")
    }
    assert codes == {"401": "key_missing", "403": "scope_missing"}
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_the_schema_fits_every_answer(app: FastAPI) -> None:
    openapi.install(app)
    schema = app.openapi()["components"]["schemas"]["Problem"]
    body = Problem(422, "image_invalid", "It is damaged.").body("req-1")
    types = {"string": str, "integer": int, "object": dict}
    assert {name: types[facts["type"]] for name, facts in schema["properties"].items()} == {
        name: type(value) for name, value in body.items()
    }
    assert set(schema["required"]) == set(body) == set(schema["examples"][0])
    assert schema["title"] == "Problem"


def test_an_app_without_routes_has_the_schema_too() -> None:
    app = FastAPI()
    openapi.install(app)
    assert list(app.openapi()["components"]["schemas"]) == ["Problem"]


def test_the_document_is_made_once(app: FastAPI) -> None:
    openapi.install(app)
    assert app.openapi() is app.openapi()


async def test_it_is_served_as_it_is() -> None:
    app = FastAPI(openapi_url=None)
    openapi.install(app)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as http:
        answers = await asyncio.gather(*(http.get("/openapi.json") for _ in range(3)))
    assert [answer.json() for answer in answers] == [app.openapi()] * 3
    assert answers[0].headers["content-type"] == "application/json"
