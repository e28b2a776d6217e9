"""The pictures of a batch request: multipart fields, a zip, or base64 in JSON."""

import asyncio
import io
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request

from app.errors import Unprocessable
from app.inference.loaded import MAX_BATCH
from app.web.multipart import parts, without_file
from app.web.request import FORM, from_json, kind_of, other_kind
from models_store.datasets.archive import Archive, ArchiveLimits
from models_store.datasets.base64_text import decoded
from models_store.datasets.passed_over import is_note
from models_store.datasets.rows import RowRejected, shown
from models_store.errors import ImageRejected

_QUICK_BYTES = 65_536  # JSON up to this size is parsed on the event loop
_SHOWN = 5  # keys that a refusal names
_WANTED = '{"instances": [{"b64": …}, …]}'


@dataclass(frozen=True)
class SentPicture:
    """One picture of a request: what its file or the zip's member is called, and its bytes, or why there are none."""

    name: str | None
    image: bytes | ImageRejected


@dataclass(frozen=True)
class SentPictures:
    """All pictures of a request, in order, and how many files of a zip were passed over as none."""

    pictures: list[SentPicture]
    passed_over: int = 0


async def many_pictures(request: Request, limits: ArchiveLimits) -> SentPictures:
    """The pictures in a request: multipart fields `files`, a zip, or JSON.

    Raises BadRequest, Unprocessable (`file_missing`, `batch_too_large`), UnsupportedMediaType, DataSetRejected.
    """
    kind = kind_of(request)
    body = await request.body()
    if kind == FORM:
        sent = _of_form(body, request.headers["content-type"])
    elif kind in ("application/zip", "application/x-zip-compressed"):
        sent = await asyncio.to_thread(_of_zip, body, limits)
    elif kind == "application/json":
        sent = await asyncio.to_thread(_of_json, body) if len(body) > _QUICK_BYTES else _of_json(body)
    else:
        raise other_kind(
            kind, f"{FORM} with the pictures as `files`, application/zip, or application/json with {_WANTED}"
        )
    if not sent.pictures:
        passed_over = f" Of the zip {sent.passed_over} files were passed over." if sent.passed_over else ""
        sentence = f"There is no picture in the request. Send at least one.{passed_over}"
        raise Unprocessable("file_missing", sentence, "files")
    return sent


def _of_form(body: bytes, content_type: str) -> SentPictures:
    form = parts(body, content_type)
    found = [part for part in form if part.name == "files" and part.is_file]
    if not found:
        raise without_file(form, "files")
    _check_count(len(found))
    return SentPictures([SentPicture(shown(part.filename) or None, bytes(part.data)) for part in found])


def _of_zip(body: bytes, limits: ArchiveLimits) -> SentPictures:
    archive = Archive(io.BytesIO(body), limits)
    names = [name for name in archive.names if not is_note(name)]
    _check_count(len(names))
    passed_over = len(archive.passed_over) + len(archive.names) - len(names)
    return SentPictures([SentPicture(shown(name), archive.read(name)) for name in names], passed_over)


def _of_json(body: bytes) -> SentPictures:
    document = from_json(body)
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list):
        raise Unprocessable("instances_missing", f"The JSON must be {_WANTED}. {_came(document)}.", "instances")
    _check_count(len(instances))
    return SentPictures([SentPicture(None, _from_base64(one, index)) for index, one in enumerate(instances)])


def _check_count(count: int) -> None:
    if count > MAX_BATCH:
        raise Unprocessable("batch_too_large", f"{count} pictures are more than {MAX_BATCH}. Send fewer at a time.")


def _from_base64(instance: object, index: int) -> bytes | ImageRejected:
    text = instance.get("b64") if isinstance(instance, dict) else None
    if not isinstance(text, str):
        sentence = f"Each instance must be an object with a text `b64`. {_came(instance)}."
        raise Unprocessable("bad_string", sentence, f"instances[{index}]")
    try:
        return decoded(text)
    except RowRejected as refusal:
        return ImageRejected(refusal.code, str(refusal))


def _came(value: object) -> str:
    if not isinstance(value, dict):
        kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
        return f"It is {kinds.get(type(value), 'a number')}"
    return f"It has {_listed(value) or 'nothing'}"


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(f"`{shown(key[:40])}`" for key in list(keys)[:_SHOWN])
