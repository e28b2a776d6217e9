"""The pictures of a batch request: multipart fields, a zip, or base64 in JSON."""

import asyncio
import base64
import binascii

from starlette.requests import Request

from app.errors import Unprocessable, UnsupportedMediaType
from app.inference.loaded import MAX_BATCH
from app.web.multipart import parts
from app.web.request import from_json
from models_store.datasets.archive import ArchiveLimits, members

_QUICK_BYTES = 65_536  # JSON up to this size is parsed on the event loop


async def many_pictures(request: Request, limits: ArchiveLimits) -> list[bytes]:
    """The bytes of each picture in a request, in order: multipart fields `files`, a zip, or JSON.

    Raises BadRequest, Unprocessable (`file_missing`, `batch_too_large`), UnsupportedMediaType, DataSetRejected.
    """
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    body = await request.body()
    if kind == "multipart/form-data":
        found = [bytes(part.data) for part in parts(body, content_type) if part.name == "files" and part.is_file]
    elif kind in ("application/zip", "application/x-zip-compressed"):
        found = [member.data for member in await asyncio.to_thread(lambda: list(members(body, limits)))]
    elif kind == "application/json":
        found = await asyncio.to_thread(_instances, body) if len(body) > _QUICK_BYTES else _instances(body)
    else:
        raise UnsupportedMediaType(
            "unsupported_media_type",
            "Send multipart/form-data with the pictures as `files`, application/zip, or application/json with "
            '{"instances": [{"b64": …}]}.',
        )
    if not found:
        raise Unprocessable("file_missing", "There is no picture in the request. Send at least one.", "files")
    _check_count(len(found))
    return found


def _check_count(count: int) -> None:
    if count > MAX_BATCH:
        raise Unprocessable("batch_too_large", f"{count} pictures are more than {MAX_BATCH}. Send fewer at a time.")


def _instances(body: bytes) -> list[bytes]:
    document = from_json(body)
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list):
        raise Unprocessable("instances_missing", 'The JSON must be {"instances": [{"b64": …}, …]}.', "instances")
    _check_count(len(instances))
    return [_from_base64(instance, index) for index, instance in enumerate(instances)]


def _from_base64(instance: object, index: int) -> bytes:
    text = instance.get("b64") if isinstance(instance, dict) else None
    if not isinstance(text, str):
        raise Unprocessable("bad_string", "Each instance must be an object with a text `b64`.", f"instances[{index}]")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""  # no picture: answered in its place
