"""Whatever leaves a route by an exception comes out in the one shape, and shows nothing of what was sent."""

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from app.errors import BadRequest, NotReady, TooBusy
from app.web import error_handlers
from models_store.errors import ImageRejected, RecordRejected, VersionNotFound

RAISED = {
    "bad": BadRequest("json_malformed", "No JSON."),
    "busy": TooBusy("too_busy", "Repeat it."),
    "later": NotReady("loading", "Repeat it."),
    "large": ImageRejected("image_too_large", "Send a smaller one."),
    "none": VersionNotFound("There is no model x."),
    "inside": RecordRejected("train.epochs must be above 0: secret."),
    "teapot": HTTPException(418),
    "signed": HTTPException(401, headers={"WWW-Authenticate": "Basic"}),
}


@pytest.fixture
def app() -> FastAPI:
    service = FastAPI()
    error_handlers.install(service)

    @service.get("/raise/{name}")
    async def raising(name: str) -> None:
        raise RAISED[name]

    @service.get("/read")
    async def read(top_k: int = 1) -> int:
        return top_k

    @service.post("/json")
    async def json(body: dict[str, list[int]]) -> int:
        return len(body)

    return service


async def answer(app: FastAPI, method: str, url: str, content: bytes = b"") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        headers = {"content-type": "application/json"} if content else {}
        return await http.request(method, url, content=content, headers=headers)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("bad", 400, "json_malformed"), ("busy", 429, "too_busy"), ("later", 503, "loading"),
        ("large", 413, "image_too_large"), ("none", 404, "model_not_found"), ("teapot", 418, "im_a_teapot"),
    ],
)  # fmt: skip
async def test_every_kind_of_exception_comes_out_as_a_problem(app: FastAPI, name: str, status: int, code: str) -> None:
    said = await answer(app, "GET", f"/raise/{name}")
    assert (said.status_code, said.json()["code"], said.json()["status"]) == (status, code, status)
    assert said.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in said.headers) == (status in (429, 503))


async def test_an_error_that_should_never_leave_is_ours_and_keeps_its_text(app: FastAPI) -> None:
    said = await answer(app, "GET", "/raise/inside")
    assert (said.status_code, said.json()["code"]) == (500, "internal_error")
    assert "secret" not in said.text


async def test_an_address_without_anything_and_a_method_without_meaning_are_told_apart(app: FastAPI) -> None:
    assert (await answer(app, "GET", "/nowhere")).json()["code"] == "not_found"
    refused = await answer(app, "DELETE", "/read")
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, HEAD"  # RFC 9110, 15.5.6


async def test_headers_of_an_exception_come_along(app: FastAPI) -> None:
    refused = await answer(app, "GET", "/raise/signed")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Basic")
    assert refused.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("sent", ["NaN", "%ff", "secret", "1e999", ""])
async def test_a_field_that_is_wrong_is_named_and_never_echoed(app: FastAPI, sent: str) -> None:
    refused = await answer(app, "GET", f"/read?top_k={sent}")
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert refused.json()["error"]["param"] == "top_k"
    assert refused.json()["detail"].startswith("top_k: ")
    assert not sent or sent not in refused.text


async def test_a_field_deep_in_a_body_is_named_by_its_path(app: FastAPI) -> None:
    refused = await answer(app, "POST", "/json", b'{"a": [1, "x"]}')
    assert refused.json()["error"]["param"] == "a.1"
    whole = await answer(app, "POST", "/json", b"[]")
    assert (whole.json()["error"]["param"], whole.status_code) == (None, 422)
    assert whole.json()["detail"].startswith("The request: ")
