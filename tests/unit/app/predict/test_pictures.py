"""The pictures of a batch in three wrappings, and what is none of them."""

import base64
import json
import zipfile

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from app.errors import AppError, BadRequest, Unprocessable, UnsupportedMediaType
from app.predict.pictures import many_pictures
from models_store.datasets.archive import ArchiveLimits
from models_store.errors import DataSetRejected
from tests.unit.models_store.datasets.test_archive import zipped

LIMITS = ArchiveLimits(max_entries=10, max_expanded_bytes=2000)
THREE = [b"one", b"\x00\xff\r\n--", b"three"]


async def pictures(body: bytes, content_type: str, limits: ArchiveLimits = LIMITS) -> list[bytes]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode())]
    return await many_pictures(Request({"type": "http", "headers": headers}, receive), limits)


def instances(*images: bytes) -> bytes:
    return json.dumps({"instances": [{"b64": base64.b64encode(image).decode()} for image in images]}).encode()


async def refusal(body: bytes, content_type: str) -> tuple[type[Exception], str, str | None]:
    try:
        await pictures(body, content_type)
    except (AppError, DataSetRejected) as refused:
        return type(refused), refused.code, getattr(refused, "param", None)
    raise AssertionError("it was taken")


async def test_a_form_of_another_library_gives_its_files_in_order() -> None:
    form = httpx.Request("POST", "http://x", files=[("files", ("a.png", image)) for image in THREE])
    assert await pictures(form.read(), form.headers["content-type"]) == THREE


async def test_fields_of_other_names_and_texts_are_no_pictures() -> None:
    files = [("files", ("a.png", b"one")), ("file", ("b.png", b"two"))]
    form = httpx.Request("POST", "http://x", files=files, data={"files": "three"})
    assert await pictures(form.read(), form.headers["content-type"]) == [b"one"]


async def test_a_zip_gives_its_files_and_json_its_instances() -> None:
    archive = zipped([(f"{9 - number}.png", image) for number, image in enumerate(THREE)], zipfile.ZIP_DEFLATED)
    for kind in ("application/zip", "Application/X-Zip-Compressed ; q=1"):
        assert await pictures(archive, kind) == THREE
    assert await pictures(instances(*THREE), "application/json; charset=utf-8") == THREE


async def test_json_that_a_thread_parses_gives_the_same() -> None:
    large = [bytes([number]) * 40_000 for number in range(3)]
    assert await pictures(instances(*large), "application/json") == large


async def test_what_is_no_base64_is_no_picture_in_its_place() -> None:
    body = b'{"instances": [{"b64": "!b25l"}, {"b64": "b25l"}, {"b64": "b25"}, {"b64": ""}]}'
    assert await pictures(body, "application/json") == [b"", b"one", b"", b""]


async def test_256_pictures_are_enough() -> None:
    for body, kind in ((instances(*[b"x"] * 257), "application/json"), _form(257)):
        assert await refusal(body, kind) == (Unprocessable, "batch_too_large", None)
    assert len(await pictures(*_form(256))) == 256


def _form(count: int) -> tuple[bytes, str]:
    form = httpx.Request("POST", "http://x", files=[("files", ("a", b"x"))] * count)
    return form.read(), form.headers["content-type"]


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"", "multipart/form-data; boundary=b", (Unprocessable, "file_missing", "files")),
        (b'{"instances": []}', "application/json", (Unprocessable, "file_missing", "files")),
        (b'{"instances": {}}', "application/json", (Unprocessable, "instances_missing", "instances")),
        (b"[]", "application/json", (Unprocessable, "instances_missing", "instances")),
        (b'{"instances": [{"b64": ""}, "x"]}', "application/json", (Unprocessable, "bad_string", "instances[1]")),
        (b"{", "application/json", (BadRequest, "json_malformed", None)),
        (b"x", "multipart/form-data", (BadRequest, "multipart_malformed", None)),
        (b"x", "application/zip", (DataSetRejected, "archive_invalid", None)),
        (b"x", "image/png", (UnsupportedMediaType, "unsupported_media_type", None)),
        (b"x", "", (UnsupportedMediaType, "unsupported_media_type", None)),
    ],
)
async def test_what_holds_no_picture_is_refused_by_name(
    body: bytes, kind: str, expected: tuple[type[Exception], str, str | None]
) -> None:
    assert await refusal(body, kind) == expected
