"""Parameters that a route does not know, or gets twice."""

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query

from app.web import error_handlers
from app.web.entry import Entry
from app.web.limits import BodyLimits
from app.web.route import ANY_KEY, StrictRoute


@pytest.fixture(scope="module")
def app() -> FastAPI:
    routes = APIRouter(route_class=StrictRoute, prefix="/v1")

    @routes.get("/few")
    def few(model: str = "digits", top_k: int = 3) -> list[str | int]:
        return [model, top_k]

    @routes.get("/none/{name}")
    async def none(name: str) -> str:
        return name

    @routes.get("/keys")
    def keys(_: Annotated[None, Query(alias=f"metadata{ANY_KEY}")] = None, limit: int = 1) -> int:
        return limit

    service = FastAPI()
    error_handlers.install(service)
    service.include_router(routes)
    service.add_middleware(Entry, limits=BodyLimits(2**24))
    return service


async def asked(app: FastAPI, target: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        return await http.get(target)


@pytest.mark.parametrize(
    ("target", "content"),
    [
        ("/v1/few", ["digits", 3]),
        ("/v1/few?", ["digits", 3]),
        ("/v1/few?&", ["digits", 3]),
        ("/v1/few?model=a&top_k=2", ["a", 2]),
        ("/v1/none/x", "x"),
        ("/v1/keys?metadata[a]=1&metadata[b]=1&limit=3", 3),
    ],
)
async def test_what_a_route_names_it_takes(app: FastAPI, target: str, content: object) -> None:
    answer = await asked(app, target)
    assert (answer.status_code, answer.json()) == (200, content)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("/v1/few?mdoel=a", "There is no parameter `mdoel` here. This address takes model, top_k."),
        ("/v1/few?Model=a", "There is no parameter `Model` here. This address takes model, top_k."),
        ("/v1/few?model=a&x", "There is no parameter `x` here. This address takes model, top_k."),
        ("/v1/few?=a", "There is no parameter `` here. This address takes model, top_k."),
        ("/v1/few?model[a]=b", "There is no parameter `model[a]` here. This address takes model, top_k."),
        ("/v1/none/x?name=y", "There is no parameter `name` here. This address takes none."),
        ("/v1/keys?meta[a]=1", "There is no parameter `meta[a]` here. This address takes metadata[key], limit."),
        (
            "/v1/few?top_k=NaN&%1b[2J%ff=",  # what can't be shown is escaped once
            "There is no parameter `\\x1b[2J\ufffd` here. This address takes model, top_k.",
        ),
    ],
)
async def test_what_it_does_not_name_it_refuses_by_name(app: FastAPI, target: str, sentence: str) -> None:
    answer = await asked(app, target)
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (422, "parameter_unknown", sentence)


async def test_a_name_without_end_is_cut(app: FastAPI) -> None:
    assert len((await asked(app, f"/v1/few?{'x' * 5000}=1")).json()["detail"]) < 150


@pytest.mark.parametrize("target", ["/v1/few?model=a&model=b", "/v1/keys?metadata[a]=1&limit=1&metadata[a]=1"])
async def test_what_comes_twice_is_refused(app: FastAPI, target: str) -> None:
    answer = await asked(app, target)
    assert (answer.status_code, answer.json()["code"]) == (422, "parameter_repeated")
