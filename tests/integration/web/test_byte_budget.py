"""What requests hold together has an end: bodies, and what they unpack to, until they are answered."""

import asyncio
import base64
import contextlib
import io
import json
import zipfile
from collections.abc import AsyncIterator

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running

PICTURE = (EXAMPLES / "7.png").read_bytes()
MIB = 2**20
PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A service that may hold four MiB, of which one client gets two."""
    place = tmp_path_factory.mktemp("budget")
    settings = Settings(store_dir=place / "store", state_dir=place / "state", max_bytes_waiting=4 * MIB)
    async with running(create_app(settings)) as client:
        yield client


def zipped(size: int) -> bytes:
    """A small zip of a picture that expands to so much."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.writestr("a.png", PICTURE + bytes(size))
    return file.getvalue()


async def test_what_is_too_much_together_is_told_when_to_come_again(http: httpx.AsyncClient) -> None:
    is_held = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield bytes(MIB + 500_000)
        is_held.set()
        await asyncio.Event().wait()  # the rest never comes

    first = asyncio.create_task(http.post("/v1/predict", content=slow(), headers=PNG))
    await is_held.wait()
    refused = await http.post("/v1/predict", content=bytes(MIB), headers=PNG)
    assert refused.json()["code"] == "too_busy" and int(refused.headers["retry-after"]) > 0
    assert (await http.post("/v1/predict", content=PICTURE, headers=PNG)).status_code == 200  # small ones pass
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    again = await http.post("/v1/predict", content=bytes(MIB), headers=PNG)
    assert again.json()["code"] != "too_busy"  # whoever goes gives back what was held


async def test_what_a_zip_would_expand_to_is_counted_before_it_is_there(http: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/zip"}
    small = await http.post("/v1/predict/batch", content=zipped(MIB), headers=headers)
    assert small.status_code == 200
    large = await http.post("/v1/predict/batch", content=zipped(3 * MIB), headers=headers)
    assert (large.status_code, large.json()["code"]) == (503, "too_busy")
    assert (await http.post("/v1/predict/batch", content=zipped(MIB), headers=headers)).status_code == 200


async def test_texts_of_json_and_parts_of_forms_are_counted_too(http: httpx.AsyncClient) -> None:
    text = base64.b64encode(PICTURE + bytes(MIB)).decode()
    batch = json.dumps({"instances": [{"b64": text}]}).encode()
    answer = await http.post("/v1/predict/batch", content=batch, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (503, "too_busy")
    for path, field in (("/v1/predict", "file"), ("/v1/predict/batch", "files")):
        large = await http.post(path, files={field: ("a.png", PICTURE + bytes(MIB + 100_000))})
        assert (large.status_code, large.json()["code"]) == (503, "too_busy")
        assert (await http.post(path, files={field: ("a.png", PICTURE + bytes(500_000))})).status_code == 200


@pytest.mark.parametrize("content", [b"{}," * 60_000, b"[1]," * 60_000, b"1," * 60_000])
async def test_json_of_very_many_values_is_not_parsed(http: httpx.AsyncClient, content: bytes) -> None:
    """Parsing it would hold up every thread of the process."""
    body = b'{"instances": [' + content + b"{}]}"
    answer = await http.post("/v1/predict/batch", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "json_too_long")


async def test_an_address_of_very_many_parameters_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/files?" + "limit=1&" * 101)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_parameters")
