"""POST /v1/predict/batch: many pictures in three wrappings, each answered in its place."""

import base64
import io
import json
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import numpy as np
import pytest

from app.main import create_app
from app.settings import Settings
from tests.conftest import running
from tests.support.pictures import encoded, png
from training.synthetic import strokes

BATCH = "/v1/predict/batch"
JSON = {"content-type": "application/json"}
ZIP = {"content-type": "application/zip"}

_RNG = np.random.default_rng(2026)
PAGES = [png(strokes.on_paper(label, _RNG)) for label in range(10)]
UNITS = [png(unit[0]) for unit in strokes.units(1, 7)]
WAYS = ["multipart", "zip", "json"]


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """One service for the whole file: nothing here changes its store."""
    async with running(create_app(Settings(store_dir=tmp_path_factory.mktemp("batch") / "store"))) as http:
        yield http


def zipped(named: Sequence[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in named:
            archive.writestr(name, data)
    return buffer.getvalue()


def instances(*texts: object) -> bytes:
    return json.dumps({"instances": [{"b64": text} for text in texts]}).encode()


async def send(http: httpx.AsyncClient, way: str, pictures: Sequence[bytes], **query: str) -> httpx.Response:
    if way == "multipart":
        files = [("files", ("digit.png", picture, "image/png")) for picture in pictures]
        return await http.post(BATCH, params=query, files=files)
    if way == "zip":  # the names sort against their order in the archive
        named = [(f"{999 - index}.png", picture) for index, picture in enumerate(pictures)]
        return await http.post(BATCH, params=query, content=zipped(named), headers=ZIP)
    body = instances(*(base64.b64encode(picture).decode() for picture in pictures))
    return await http.post(BATCH, params=query, content=body, headers=JSON)


async def predictions(http: httpx.AsyncClient, way: str, pictures: Sequence[bytes], **query: str) -> list[Any]:
    answer = await send(http, way, pictures, **query)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["predictions"]
    return found


def bomb() -> bytes:
    """The head of a picture of 60000x60000 pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + b"\0\0\0\0IDAT"


BAD = {
    "image_invalid": np.random.default_rng(1).bytes(500),
    "image_truncated": PAGES[3][: len(PAGES[3]) // 2],
    "image_too_large": bomb(),
    "unsupported_image_format": b"8BPS\0\1" + bytes(20),
}


@pytest.mark.parametrize("way", WAYS)
async def test_ten_digits_are_read_in_their_order(client: httpx.AsyncClient, way: str) -> None:
    answer = (await send(client, way, PAGES)).json()
    assert [one["label"] for one in answer["predictions"]] == list("0123456789")
    assert answer["model"] == "digits@1" and answer["id"].startswith("pred_")
    assert set(answer["timing_ms"]) == {"prepare", "queue", "infer"}


async def test_a_batch_may_have_any_format(client: httpx.AsyncClient) -> None:
    pages = [encoded(strokes.on_paper(5, np.random.default_rng(5)), kind) for kind in ("PNG", "GIF", "TIFF", "JPEG")]
    assert [one["label"] for one in (await send(client, "zip", pages)).json()["predictions"]] == ["5"] * 4


async def test_the_wrapping_changes_no_answer(client: httpx.AsyncClient) -> None:
    found = [await predictions(client, way, PAGES) for way in WAYS]
    assert [[one.pop("name") for one in way][:2] for way in found] == [
        ["digit.png"] * 2, ["999.png", "998.png"], [None] * 2,
    ]  # fmt: skip
    assert found[0] == found[1] == found[2]


async def test_a_batch_equals_singles(client: httpx.AsyncClient) -> None:
    pictures = [*PAGES, *UNITS, png(np.full((50, 50), 255, np.uint8))]
    together = await predictions(client, "multipart", pictures)
    for one, picture in zip(together, pictures, strict=True):
        headers = {"content-type": "image/png"}
        alone = (await client.post("/v1/predict", content=picture, headers=headers)).json()
        assert one["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-4)
        assert [one[key] for key in ("label", "uncertain", "warnings")] == [
            alone[key] for key in ("label", "uncertain", "warnings")
        ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", BAD)
async def test_a_bad_picture_is_an_error_in_its_place(client: httpx.AsyncClient, way: str, code: str) -> None:
    first, middle, last = await predictions(client, way, [PAGES[7], BAD[code], PAGES[2]])
    assert (first["label"], last["label"]) == ("7", "2")
    assert set(middle) == {"name", "error"} and set(middle["error"]) == {"code", "message"}
    assert middle["error"]["code"] == code
    assert middle["error"]["message"].endswith(".") and " at 0x" not in middle["error"]["message"]


@pytest.mark.parametrize(
    "text",
    ["!", "abcde", "ab\0cd", "äöü=", "\ud83d\ude00", "data:image/png,abcd", "a" + base64.b64encode(PAGES[0]).decode()],
)
async def test_bad_base64_is_an_error_in_its_place(client: httpx.AsyncClient, text: str) -> None:
    body = instances(text, base64.b64encode(PAGES[7]).decode())
    answer = await client.post(BATCH, content=body, headers=JSON)
    assert answer.status_code == 200
    bad, good = answer.json()["predictions"]
    assert (bad["error"]["code"], good["label"]) == ("base64_invalid", "7")


@pytest.mark.parametrize("way", WAYS)
async def test_where_all_are_bad_there_are_only_errors(client: httpx.AsyncClient, way: str) -> None:
    answer = await send(client, way, list(BAD.values()))
    assert answer.status_code == 200
    assert [one["error"]["code"] for one in answer.json()["predictions"]] == list(BAD)
    assert answer.json()["model"] == "digits@1" and answer.json()["timing_ms"]["infer"] == 0


async def test_top_k_and_prepared_hold_for_every_picture(client: httpx.AsyncClient) -> None:
    whole = await predictions(client, "multipart", PAGES)
    best = await predictions(client, "multipart", [*PAGES, b"x"], top_k="2", prepared="true")
    assert set(best.pop()) == {"name", "error"}
    for all_of_it, kept in zip(whole, best, strict=True):
        ranked = sorted(all_of_it["probabilities"].items(), key=lambda pair: -pair[1])
        assert list(kept["probabilities"].items()) == ranked[:2]
        assert "prepared" not in all_of_it
    again = await predictions(client, "json", [base64.b64decode(one["prepared"]) for one in best], prepared="true")
    assert [one["prepared"] for one in again] == [one["prepared"] for one in best]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"model": "digits@1"}, 200, "digits@1"),
        ({"model": "digits@champion"}, 200, "digits@1"),
        ({"model": "digits@9"}, 404, "model_not_found"),
        ({"model": "../x"}, 422, "bad_model_name"),
        ({"top_k": "0"}, 422, "validation_failed"),
        ({"prepared": "perhaps"}, 422, "validation_failed"),
    ],
)
async def test_the_query_is_checked(client: httpx.AsyncClient, query: dict[str, str], status: int, said: str) -> None:
    answer = await send(client, "multipart", UNITS[:1], **query)
    assert answer.status_code == status
    assert answer.json()["model" if status == 200 else "code"] == said


@pytest.mark.parametrize("way", WAYS)
async def test_256_pictures_pass_and_257_do_not(client: httpx.AsyncClient, way: str) -> None:
    many = UNITS * 26
    labels = [one["label"] for one in await predictions(client, way, many[:256], top_k="1")]
    assert labels == (labels[:10] * 26)[:256]
    answer = await send(client, way, many[:257])
    assert (answer.status_code, answer.json()["code"]) == (422, "batch_too_large")


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        pytest.param(b"", "multipart/form-data; boundary=edge", 422, "file_missing", id="empty multipart"),
        pytest.param(
            b'--edge\r\nContent-Disposition: form-data; name="files"\r\n\r\ntext\r\n--edge--\r\n',
            "multipart/form-data; boundary=edge", 422, "file_missing", id="text field named files",
        ),
        pytest.param(zipped([]), "application/zip", 422, "file_missing", id="empty zip"),
        pytest.param(zipped([("a/", b""), (".DS_Store", b"x")]), "application/zip", 422, "file_missing", id="clutter"),
        pytest.param(b'{"instances": []}', "application/json", 422, "file_missing", id="no instances"),
        pytest.param(PAGES[0], "image/png", 415, "unsupported_media_type", id="one bare picture"),
        pytest.param(PAGES[0], "text/plain", 415, "unsupported_media_type", id="text"),
        pytest.param(PAGES[0], "", 415, "unsupported_media_type", id="no content type"),
        pytest.param(b"", "application/zip", 422, "archive_invalid", id="empty body as zip"),
        pytest.param(PAGES[0], "application/zip", 422, "archive_invalid", id="not a zip"),
        pytest.param(zipped([("a.png", PAGES[0])])[:-9], "application/zip", 422, "archive_invalid", id="truncated zip"),
        pytest.param(zipped([("../a.png", PAGES[0])]), "application/zip", 422, "archive_bad_name", id="zip-slip"),
        pytest.param(
            zipped([(str(n), b"") for n in range(1025)]), "application/zip", 413, "archive_too_many_entries", id="1025",
        ),
        pytest.param(zipped([("zeros", bytes(2**26 + 1))]), "application/zip", 413, "archive_too_large", id="zip bomb"),
    ],
)  # fmt: skip
async def test_bad_bodies(client: httpx.AsyncClient, body: bytes, kind: str, status: int, code: str) -> None:
    answer = await client.post(BATCH, content=body, headers={"content-type": kind} if kind else {})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"", 400, "json_malformed", id="nothing"),
        pytest.param(b'{"instances": [NaN]}', 400, "json_malformed", id="NaN"),
        pytest.param(b'{"instances": [{"b64": -Infinity}]}', 400, "json_malformed", id="Infinity"),
        pytest.param(b'{"instances": [{"b64": 1e999}]}', 400, "json_malformed", id="1e999"),
        pytest.param(b'{"instances": [{"b64": %s}]}' % (b"9" * 10_000), 400, "json_malformed", id="10k digits"),
        pytest.param(b'{"instances": [{"b64": "\\ud800"}]}', 400, "json_malformed", id="lone surrogate"),
        pytest.param(b'{"instances": [{"b64": "\0"}]}', 400, "json_malformed", id="bare NUL"),
        pytest.param(b'{"instances": ' + b"[" * 100_000 + b"]" * 100_001, 400, "json_malformed", id="100k nesting"),
        pytest.param(b'{"instances": [{"b64": "\xff\xfe"}]}', 400, "json_malformed", id="no UTF-8"),
        pytest.param('{"instances": []}'.encode("utf-16"), 400, "json_malformed", id="UTF-16"),
        pytest.param(b"{}", 422, "instances_missing", id="no instances"),
        pytest.param(b'{"instances": {"b64": ""}}', 422, "instances_missing", id="an object for the list"),
        pytest.param(b'{"instances": "abc"}', 422, "instances_missing", id="a text for the list"),
        pytest.param(b"[]", 422, "instances_missing", id="a bare list"),
        pytest.param(b"null", 422, "instances_missing", id="null"),
        pytest.param(b'{"instances": [], "model": "nosuch@9"}', 422, "field_unknown", id="a parameter in the body"),
        *(
            pytest.param(b'{"instances": [%s]}' % bad, 422, "bad_string", id=bad.decode())
            for bad in (b'{"b65": ""}', b"{}", b'""', b"7", b"[]", b'{}, ""')
        ),
    ],
)
async def test_bad_json(client: httpx.AsyncClient, body: bytes, status: int, code: str) -> None:
    answer = await client.post(BATCH, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("bad", [None, 7, True, [""], {}])
async def test_one_bad_instance_takes_no_other_with_it(client: httpx.AsyncClient, bad: object) -> None:
    good = base64.b64encode(PAGES[7]).decode()
    answer = await client.post(BATCH, content=instances(good, bad, good), headers=JSON)
    first, middle, last = answer.json()["predictions"]
    assert (first["label"], middle["error"]["code"], last["label"]) == ("7", "bad_string", "7")
    alone = await client.post(BATCH, content=instances(bad), headers=JSON)
    assert alone.json()["predictions"] == [middle]  # what it gets beside others
