"""The pictures of a batch in three wrappings, and what is none of them."""

import base64
import json
import zipfile

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from app.errors import AppError, BadRequest, Unprocessable, UnsupportedMediaType
from app.predict.pictures import SentPictures, many_pictures
from models_store.datasets.archive import ArchiveLimits
from models_store.errors import DataSetRejected, ImageRejected
from tests.unit.models_store.datasets.test_archive import zipped

LIMITS = ArchiveLimits(max_entries=10, max_expanded_bytes=2000)
THREE = [b"one", b"\x00\xff\r\n--", b"three"]


async def sent(body: bytes, content_type: str, limits: ArchiveLimits = LIMITS) -> SentPictures:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode())]
    return await many_pictures(Request({"type": "http", "headers": headers}, receive), limits)


async def pictures(body: bytes, content_type: str) -> list[bytes | ImageRejected]:
    return [picture.image for picture in (await sent(body, content_type)).pictures]


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


@pytest.mark.parametrize("beside", [("file", ("b.png", b"two")), ("files", (None, b"two")), ("x", (None, b"two"))])
async def test_beside_the_pictures_a_form_has_nothing(beside: tuple[str, tuple[str | None, bytes]]) -> None:
    form = httpx.Request("POST", "http://x", files=[("files", ("a.png", b"one")), beside])
    assert await refusal(form.read(), form.headers["content-type"]) == (Unprocessable, "field_unknown", None)


async def test_a_zip_gives_its_files_and_json_its_instances() -> None:
    archive = zipped([(f"{9 - number}.png", image) for number, image in enumerate(THREE)], zipfile.ZIP_DEFLATED)
    for kind in ("application/zip", "Application/X-Zip-Compressed ; q=1"):
        assert await pictures(archive, kind) == THREE
    assert await pictures(instances(*THREE), "application/json; charset=utf-8") == THREE


async def test_json_that_a_thread_parses_gives_the_same() -> None:
    large = [bytes([number]) * 40_000 for number in range(3)]
    assert await pictures(instances(*large), "application/json") == large


async def test_what_is_no_base64_is_an_error_in_its_place() -> None:
    body = b'{"instances": [{"b64": "!b25l"}, {"b64": "b25l"}, {"b64": "b25lb"}, {"b64": ""}]}'
    bad, one, short, empty = await pictures(body, "application/json")
    assert (one, empty) == (b"one", b"")
    for refusal in (bad, short):
        assert isinstance(refusal, ImageRejected) and refusal.code == "base64_invalid"


@pytest.mark.parametrize(
    ("bad", "came"),
    [
        ('{"b64": null}', "It is null."), ('{"b64": 3}', "It is a number."), ('{"b64": ["eA=="]}', "It is a list."),
        ('{"b64": {"x": 1}}', "It has `x`."), ("{}", "It has nothing."), ("null", "It is null."),
        ('"eA=="', "It is a text."), ("7", "It is a number."),
    ],
)  # fmt: skip
async def test_an_instance_of_another_shape_is_an_error_in_its_place(bad: str, came: str) -> None:
    one, wrong, two = await pictures(
        b'{"instances": [{"b64": "b25l"}, %s, {"b64": "dHdv"}]}' % bad.encode(), "application/json"
    )
    assert (one, two) == (b"one", b"two")
    assert isinstance(wrong, ImageRejected) and wrong.code == "bad_string"
    assert str(wrong).endswith(came) and "`b64`" in str(wrong)


async def test_a_byte_order_mark_is_no_part_of_the_json() -> None:
    assert await pictures(b"\xef\xbb\xbf" + instances(*THREE), "application/json") == THREE


async def test_each_picture_has_the_name_of_its_file_or_member() -> None:
    files = [("files", (name, b"x")) for name in ("scans/7.png", "\u00e4 7.png", "a\\b.png")]
    form = httpx.Request("POST", "http://x", files=files)
    found = await sent(form.read(), form.headers["content-type"])
    assert [picture.name for picture in found.pictures] == ["scans/7.png", "\u00e4 7.png", "a\\b.png"]
    members = ["7/\u00e4.png", "7/\ufdd0\u202e.png", "x" * 300 + ".png"]
    found = await sent(zipped([(name, b"x") for name in members]), "application/zip")
    assert [picture.name for picture in found.pictures] == [
        "7/\u00e4.png",
        "7/\\ufdd0\\u202e.png",
        "x" * 200 + "\u2026",
    ]
    assert [picture.name for picture in (await sent(instances(b"x"), "application/json")).pictures] == [None]


async def test_what_is_no_picture_in_a_zip_is_passed_over_and_counted() -> None:
    beside = ["README.txt", "labels.csv", "__MACOSX/7/._a.png", "7/.DS_Store", "7/Thumbs.db", "LICENSE"]
    archive = zipped([("7/", b""), *((name, b"x") for name in beside), ("7/a.png", b"one"), ("7/b", b"two")])
    found = await sent(archive, "application/zip")
    assert [(picture.name, picture.image) for picture in found.pictures] == [("7/a.png", b"one"), ("7/b", b"two")]
    assert found.passed_over == len(beside)
    with pytest.raises(Unprocessable, match="Of the zip 2 files were passed over") as caught:
        await sent(zipped([(name, b"x") for name in beside[:2]]), "application/zip")
    assert caught.value.code == "file_missing"


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
        (b'{"instances": [{"b65": ""}, "x"]}', "application/json", (Unprocessable, "bad_string", "instances[0]")),
        (b'{"instances": [{"b64": ""}], "a": 1}', "application/json", (Unprocessable, "field_unknown", None)),
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


async def told(body: bytes, kind: str) -> str:
    with pytest.raises(AppError) as caught:
        await pictures(body, kind)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize(
    ("document", "came"),
    [
        ('{"images": [], "n": 1}', "It has `images`, `n`."),
        ("{}", "It has nothing."),
        ("[]", "It is a list."),
        ("7", "It is a number."),
        ("true", "It is true or false."),
        ('{"instances": [{"image": "x", "b65": ""}]}', "It has `image`, `b65`."),
        ('{"instances": ["x"]}', "It is a text."),
        ('{"instances": [null]}', "It is null."),
        ('{"\\u001b[2J": 1}', "It has `\\x1b[2J`."),
    ],
)
async def test_json_of_another_shape_is_told_what_it_is_and_what_is_wanted(document: str, came: str) -> None:
    sentence = await told(document.encode(), "application/json")
    assert sentence.endswith(came) and "b64" in sentence


@pytest.mark.parametrize("name", ["files[]", "file", "image"])
async def test_a_form_of_another_field_is_told_what_came_and_what_is_wanted(name: str) -> None:
    form = httpx.Request("POST", "http://x", files=[(name, ("a.png", b"x"))])
    sentence = await told(form.read(), form.headers["content-type"])
    assert f"`{name}`" in sentence and "`files`" in sentence
