"""The body of a correction -> the picture's bytes and what is said of it."""

from collections.abc import Mapping

from anyio.to_thread import run_sync
from starlette.requests import Request

from app.errors import Unprocessable
from app.web.form import check_fields, check_length, picture_of
from app.web.multipart import Part, parts
from app.web.request import FORM, kind_of, one_picture

FIELDS = ("label", "model", "read_as")


async def receive(request: Request, query: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
    """The picture, and the texts of FIELDS that there are: the form's own win over the query's.

    Raises BadRequest, Unprocessable (`file_missing`, `too_many_files`, `field_unknown`, `field_repeated`,
    `bad_string`), UnsupportedMediaType.
    """
    if kind_of(request) != FORM:
        return await one_picture(request), query
    found = await run_sync(parts, await request.body(), request.headers["content-type"])
    check_fields(request, found, "file", FIELDS)
    picture = picture_of(found)
    return picture, {**query, **{part.name: _text(part) for part in found if part.name in FIELDS}}


def _text(part: Part) -> str:
    check_length(part)
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        raise Unprocessable("bad_string", "A text field is no UTF-8. Encode it so.", part.name) from None
