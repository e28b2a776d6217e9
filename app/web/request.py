"""What a request carries: a picture, as a form's field or as the body, or JSON that fills a model."""

import asyncio
import codecs
import io
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from app.errors import BadRequest, UnsupportedMediaType
from app.web.budget import held_by
from app.web.direct import files_of
from app.web.form import check_fields, picture_of
from app.web.multipart import parts, without_file
from models_store.text import shown

FORM = "multipart/form-data"
_QUICK_BYTES = 65_536  # bodies up to this size are taken apart on the event loop
_MANY_VALUES = 20_000  # of JSON, which is more than any route takes: parsing holds up every thread
_DEEPEST = 1024  # nested values that orjson follows
Filled = TypeVar("Filled", bound=BaseModel)
Apart = TypeVar("Apart")


async def one_picture(request: Request) -> bytes:
    """The bytes of the one picture in a request: the multipart field `file`, or the whole body.

    Raises BadRequest, Unprocessable (`file_missing`, `too_many_files`, `field_unknown`), UnsupportedMediaType.
    """
    kind = kind_of(request)
    body = await body_of(request)
    if kind == FORM:
        held_by(request.scope).add(len(body))
        kind = request.headers["content-type"]
        files = await taken_apart(len(body), files_of, kind.encode("latin-1"), body, b"file", 1)
        if files is not None:
            body = files[0][1]
        else:
            form = await taken_apart(len(body), parts, body, kind)
            body = picture_of(form)
            check_fields(request, form, "file")
        held_by(request.scope).become(len(body))
    elif not (kind.startswith("image/") or kind == "application/octet-stream"):
        raise other_kind(
            kind,
            "multipart/form-data with the picture as `file`, or the picture itself as image/* or "
            "application/octet-stream",
        )
    if not body:
        raise without_file([], "file")
    return body


async def body_of(request: Request) -> bytes:
    """The whole body, without the copies that Starlette's own `body` makes and keeps."""
    pieces = io.BytesIO()
    async for piece in request.stream():
        pieces.write(piece)
    return pieces.getvalue()


async def taken_apart(size: int, take: Callable[..., Apart], *details: Any) -> Apart:
    """What `take` makes of a body of so many bytes: in a thread where that would hold up others."""
    return await asyncio.to_thread(take, *details) if size > _QUICK_BYTES else take(*details)


def kind_of(request: Request) -> str:
    """The media type of a request's body, in lower case and without parameters; empty where none is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def other_kind(kind: str, wanted: str) -> UnsupportedMediaType:
    """The refusal of a body of a `kind` that is none of those `wanted`."""
    came = f"The body came as {shown(kind, longest=60)}" if kind else "The request names no Content-Type"
    return UnsupportedMediaType("unsupported_media_type", f"{came}. Send {wanted}.")


def from_json(body: bytes) -> object:
    """A parsed JSON body, with or without a byte order mark (PowerShell and C# write one; RFC 8259, 8.1).

    Raises BadRequest; NaN, lone surrogates and nesting without end are no JSON either.
    """
    if len(body) > _QUICK_BYTES and sum(map(body.count, (b",", b"[", b"{"))) > _MANY_VALUES:
        if _is_deep(body):
            raise _malformed()
        sentence = f"The JSON has more than {_MANY_VALUES:,} values. Send fewer at a time."
        raise BadRequest("json_too_long", sentence)
    try:
        return orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError:
        raise _malformed() from None


def _malformed() -> BadRequest:
    return BadRequest("json_malformed", "The body is no valid JSON. Let your HTTP library write it.")


def _is_deep(body: bytes) -> bool:
    """Whether it opens more, before anything closes, than a parser follows."""
    opened = body[: min(at if (at := body.find(end)) >= 0 else len(body) for end in (b"]", b"}"))]
    return opened.count(b"[") + opened.count(b"{") > _DEEPEST


def filled(model: type[Filled], document: object) -> Filled:
    """A parsed JSON body as `model`. Raises RequestValidationError.

    Routes that read JSON call this and have no parameter for the body: FastAPI would read it itself, and answer 400
    where it is too large or no JSON.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
