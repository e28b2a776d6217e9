"""Forms with more in them than a route takes."""

from collections.abc import Sequence

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request

from app.errors import Unprocessable
from app.web import error_handlers
from app.web.entry import Entry
from app.web.form import check_fields, check_length, picture_of
from app.web.limits import BodyLimits
from app.web.multipart import Part, parts
from app.web.route import StrictRoute

Field = tuple[str, tuple[str | None, str]]
FILE: Field = ("file", ("7.png", "picture"))


@pytest.fixture(scope="module")
def app() -> FastAPI:
    routes = APIRouter(route_class=StrictRoute)

    @routes.post("/picture")
    async def picture(request: Request, top_k: int = 0) -> str:
        form = parts(await request.body(), request.headers["content-type"])
        check_fields(request, form, "file")
        return picture_of(form).decode()

    @routes.post("/labelled")
    async def labelled(request: Request, label: str = "", limit: int = 0) -> str:
        form = parts(await request.body(), request.headers["content-type"])
        check_fields(request, form, "file", ("label", "model"))
        return picture_of(form).decode()

    service = FastAPI()
    error_handlers.install(service)
    service.include_router(routes)
    service.add_middleware(Entry, limits=BodyLimits(2**24))
    return service


async def posted(app: FastAPI, path: str, fields: Sequence[Field]) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        return await http.post(path, files=fields)


async def test_what_a_route_takes_passes(app: FastAPI) -> None:
    for path, fields in (("/picture", [FILE]), ("/labelled", [("model", (None, "m")), FILE, ("label", (None, "7"))])):
        answer = await posted(app, path, fields)
        assert (answer.status_code, answer.json()) == (200, "picture")


ALONE = "Send the picture as `file`, and nothing beside it."
WITH_TEXTS = "Send the picture as `file`, and beside it only label, model as texts."


@pytest.mark.parametrize(
    ("path", "beside", "sentence"),
    [
        ("/picture", ("x", (None, "1")), f"The form has `x`. {ALONE}"),
        ("/picture", ("x", ("8.png", "1")), f"The form has `x`. {ALONE}"),
        ("/picture", ("file", (None, "1")), f"The form has `file` as a text. {ALONE}"),
        (
            "/picture",
            ("top_k", (None, "1")),
            f"The form has `top_k`. {ALONE} The address takes `top_k`, as ?top_k=VALUE.",
        ),
        ("/picture", ("\x1b[2J" + "x" * 99, (None, "1")), "The form has `\\x1b[2J" + "x" * 36 + f"…`. {ALONE}"),
        ("/labelled", ("label", ("8.png", "1")), f"The form has `label` as a file. {WITH_TEXTS}"),
        (
            "/labelled",
            ("limit", (None, "1")),
            f"The form has `limit`. {WITH_TEXTS} The address takes `limit`, as ?limit=VALUE.",
        ),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
async def test_what_comes_beside_is_refused_by_name(
    app: FastAPI, path: str, beside: Field, sentence: str, is_first: bool
) -> None:
    answer = await posted(app, path, [beside, FILE] if is_first else [FILE, beside])
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (422, "field_unknown", sentence)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([FILE, FILE], "too_many_files"),
        ([FILE, ("label", (None, "7")), ("label", (None, "7"))], "field_repeated"),
        ([("label", (None, "7"))], "file_missing"),
        ([("file", (None, "7"))], "file_missing"),
        ([("file", ("7.png", ""))], "file_missing"),
    ],
)
async def test_a_form_has_one_picture_and_each_text_once(app: FastAPI, fields: list[Field], code: str) -> None:
    answer = await posted(app, "/labelled", fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_text_of_a_thousand_bytes_is_enough() -> None:
    check_length(Part(data=bytearray(1000)))
    with pytest.raises(Unprocessable, match="1,000 bytes"):
        check_length(Part(data=bytearray(1001)))
