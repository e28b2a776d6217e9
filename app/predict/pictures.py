"""The pictures of a batch request: multipart fields, a zip, or base64 in JSON."""

import io
from dataclasses import dataclass

from starlette.requests import Request

from app.errors import Unprocessable
from app.inference.loaded import MAX_BATCH
from app.web.budget import Held, held_by
from app.web.direct import files_of
from app.web.form import check_fields
from app.web.multipart import parts, without_file
from app.web.request import FORM, body_of, from_json, kind_of, other_kind, taken_apart
from app.web.route import address_takes
from models_store.datasets.archive import Archive, ArchiveLimits
from models_store.datasets.base64_text import decoded
from models_store.datasets.passed_over import is_note
from models_store.datasets.rows import RowRejected
from models_store.errors import ImageRejected
from models_store.text import listed, shown

_INSTANCE = "Each instance must be an object with a text `b64`."
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

    Raises BadRequest, Unprocessable (`file_missing`, `field_unknown`, `instances_missing`,
    `bad_string`, `batch_too_large`), UnsupportedMediaType, DataSetRejected.
    """
    kind = kind_of(request)
    body = await body_of(request)
    size, held = len(body), held_by(request.scope)
    if kind == FORM:
        held.add(size)  # the parts are copies
        sent = await taken_apart(size, _of_form, body, request)
    elif kind in ("application/zip", "application/x-zip-compressed"):
        archive = await taken_apart(size, Archive, io.BytesIO(body), limits)
        sent = await _of_zip(archive, held)
    elif kind == "application/json":
        held.add(2 * size)  # its texts, and what they say
        sent = await taken_apart(size, _of_json, body, request)
    else:
        raise other_kind(
            kind, f"{FORM} with the pictures as `files`, application/zip, or application/json with {_WANTED}"
        )
    if not sent.pictures:
        passed_over = f" Of the zip {sent.passed_over} files were passed over." if sent.passed_over else ""
        sentence = f"There is no picture in the request. Send at least one.{passed_over}"
        raise Unprocessable("file_missing", sentence, "files")
    held.become(sum(len(one.image) for one in sent.pictures if isinstance(one.image, bytes)))
    return sent


def in_plain_form(kind: bytes, body: bytes) -> SentPictures | None:
    """Those of a form that has nothing but files `files`, written as most are; None of any other."""
    files = files_of(kind, body, b"files", most=MAX_BATCH)
    return None if files is None else SentPictures([SentPicture(name, image) for name, image in files])


def _of_form(body: bytes, request: Request) -> SentPictures:
    kind = request.headers["content-type"]
    plain = in_plain_form(kind.encode("latin-1"), body)
    if plain is not None:
        return plain
    form = parts(body, kind)
    found = [part for part in form if part.name == "files" and part.is_file]
    if not found:
        raise without_file(form, "files")
    check_fields(request, form, "files", what="pictures")
    _check_count(len(found))
    return SentPictures([SentPicture(shown(part.filename) or None, bytes(part.data)) for part in found])


async def _of_zip(archive: Archive, held: Held) -> SentPictures:
    names = [name for name in archive.names if not is_note(name)]
    _check_count(len(names))
    expanded = archive.expanded_bytes(names)
    held.add(expanded)  # before a byte of it is there
    pictures = await taken_apart(expanded, lambda: [SentPicture(shown(name), archive.read(name)) for name in names])
    passed_over = len(archive.passed_over) + len(archive.names) - len(names)
    return SentPictures(pictures, passed_over)


def _of_json(body: bytes, request: Request) -> SentPictures:
    document = from_json(body)
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(instances, list):
        raise Unprocessable("instances_missing", f"The JSON must be {_WANTED}. {_came(document)}.", "instances")
    strange = [key for key in document if key != "instances"]
    if strange:
        sentence = f"The JSON has {listed(strange)} beside `instances`. Send {_WANTED} alone."
        raise Unprocessable("field_unknown", sentence + address_takes(request, strange))
    _check_count(len(instances))
    if instances and not any(isinstance(one, dict) and "b64" in one for one in instances):  # it is another format
        raise Unprocessable("bad_string", f"{_INSTANCE} {_came(instances[0])}.", "instances[0]")
    return SentPictures([SentPicture(None, _from_base64(one)) for one in instances])


def _check_count(count: int) -> None:
    if count > MAX_BATCH:
        raise Unprocessable("batch_too_large", f"{count} pictures are more than {MAX_BATCH}. Send fewer at a time.")


def _from_base64(instance: object) -> bytes | ImageRejected:
    if not isinstance(instance, dict) or "b64" not in instance:
        return ImageRejected("bad_string", f"{_INSTANCE} {_came(instance)}.")
    text = instance["b64"]
    if not isinstance(text, str):
        return ImageRejected("bad_string", f"`b64` must be a text, the picture's file in base64. {_came(text)}.")
    try:
        return decoded(text)
    except RowRejected as refusal:
        return ImageRejected(refusal.code, str(refusal))


def _came(value: object) -> str:
    if isinstance(value, dict):
        return f"It has {listed(value) or 'nothing'}"
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return f"It is {kinds.get(type(value), 'a number')}"
