"""Whatever is sent to /v1/feedback that is no correction: refused in one shape, and nothing of it is kept."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.decoding.decoder import Decoder
from app.main import create_app
from app.settings import Settings
from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import EXAMPLES, running
from tests.contracts.test_errors import check_shape
from tests.support.correcting import FEEDBACK, MAX_BODY, Service, picture, serving
from tests.support.leaping import LeapingLoop, leap
from tests.support.patience import PATIENCE_SECONDS, until
from tests.support.pictures import png, saved
from tests.system.training.test_disk import Disk, disk
from tests.unit.models_store.pictures.test_stripped import digit

__all__ = ["disk"]  # the fixture
FORM = {"content-type": "multipart/form-data; boundary=b"}
PNG = {"content-type": "image/png"}
SEVEN = f"{FEEDBACK}?label=7"


@pytest.fixture
async def service(registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as database:
        async with serving(database, registry, tmp_path / "state") as started:
            yield started


def refusal(answer: httpx.Response) -> tuple[int, str]:
    check_shape(answer)
    return answer.status_code, answer.json()["code"]


async def nothing_is_kept(service: Service) -> bool:
    return service.left() == [] and (await service.http.get(FEEDBACK)).json()["data"] == []


def part(name: str, data: bytes, filename: bool = False) -> bytes:
    end = b'; filename="x"' if filename else b""
    return b'--b\r\nContent-Disposition: form-data; name="' + name.encode() + b'"' + end + b"\r\n\r\n" + data + b"\r\n"


END = b"--b--\r\n"
FILE = part("file", picture(1), filename=True)
LABEL = part("label", b"7")
BODIES = {
    "empty": (b"", FORM, (422, "file_missing")),
    "no boundary": (FILE + END, {"content-type": "multipart/form-data"}, (400, "multipart_malformed")),
    "no end": (FILE + LABEL, FORM, (400, "multipart_malformed")),
    "a text field named file": (part("file", picture(1)) + LABEL + END, FORM, (422, "file_missing")),
    "a file named otherwise": (part("picture", picture(1), filename=True) + LABEL + END, FORM, (422, "field_unknown")),
    "a label as a file": (FILE + part("label", b"7", filename=True) + END, FORM, (422, "field_unknown")),
    "only a label": (LABEL + END, FORM, (422, "file_missing")),
    "an empty file": (part("file", b"", filename=True) + LABEL + END, FORM, (422, "file_missing")),
    "two files": (FILE + FILE + LABEL + END, FORM, (422, "too_many_files")),
    "two labels": (FILE + LABEL + LABEL + END, FORM, (422, "field_repeated")),
    "a field of no use": (FILE + LABEL + part("who", b"me") + END, FORM, (422, "field_unknown")),
    "a long field": (FILE + part("label", b"7" * 1001) + END, FORM, (422, "bad_string")),
    "no UTF-8": (FILE + part("label", b"\xff") + END, FORM, (422, "bad_string")),
    "a thousand parts": (LABEL * 1001 + END, FORM, (400, "too_many_parts")),
    "JSON": (b"{}", {"content-type": "application/json"}, (415, "unsupported_media_type")),
    "no type": (picture(1), {}, (415, "unsupported_media_type")),
    "an empty picture": (b"", PNG, (422, "file_missing")),
    "too large": (bytes(MAX_BODY + 1), PNG, (413, "payload_too_large")),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_a_body_that_is_no_correction(service: Service, kind: str) -> None:
    body, headers, expected = BODIES[kind]
    query = "" if b"label" in body else "?label=7"
    assert refusal(await service.http.post(FEEDBACK + query, content=body, headers=headers)) == expected
    assert await nothing_is_kept(service)


NO_PICTURES = {
    "random": (np.random.default_rng(1).bytes(500), (422, "image_invalid")),
    "flipped": (picture(1)[:50] + b"\0\0\0\0" + picture(1)[54:], (422, "image_invalid")),
    "cut off": (saved(digit("L", (200, 200)), "JPEG")[:-200], (422, "image_truncated")),
    "bomb": (saved(Image.new("1", (5000, 4000))), (413, "image_too_large")),
    "thin": (saved(Image.new("L", (1, 40))), (422, "image_bad_dimensions")),
    "AVIF": (saved(digit(), "AVIF"), (415, "unsupported_image_format")),
    "SVG": (b"<svg/>", (415, "unsupported_image_format")),
    "white": (saved(Image.new("L", (90, 90), 255)), (422, "image_blank")),
    "black, as MNIST": (png(np.zeros((28, 28), np.uint8)), (422, "image_blank")),
    "nothing but transparent": (saved(Image.new("RGBA", (90, 90))), (422, "image_blank")),
}


@pytest.mark.parametrize("kind", NO_PICTURES)
async def test_what_is_no_picture_to_learn_from(service: Service, kind: str) -> None:
    data, expected = NO_PICTURES[kind]
    assert refusal(await service.post(data, label="7")) == expected
    assert await nothing_is_kept(service)


@pytest.mark.parametrize(
    ("fields", "expected", "param"),
    [
        ({}, (422, "label_missing"), "label"), ({"label": " \t"}, (422, "label_missing"), "label"),
        ({"label": "x"}, (422, "label_unknown"), "label"), ({"label": "10"}, (422, "label_unknown"), "label"),
        ({"label": "7\0"}, (422, "label_invalid"), "label"), ({"label": "7\u200b"}, (422, "label_invalid"), "label"),
        ({"label": "7\r\n8"}, (422, "label_invalid"), "label"), ({"label": "7" * 65}, (422, "label_invalid"), "label"),
        ({"label": "7", "read_as": "\x1b[2J"}, (422, "label_invalid"), "read_as"),
        ({"label": "7", "model": "nope"}, (404, "model_not_found"), None),
        ({"label": "7", "model": "digits@9"}, (404, "model_not_found"), None),
        ({"label": "7", "model": "../x"}, (422, "bad_model_name"), None),
        ({"label": "7", "model": "digits\0"}, (422, "bad_model_name"), None),
    ],
)  # fmt: skip
async def test_what_is_said_of_it_makes_no_sense(
    service: Service, fields: dict[str, str], expected: tuple[int, str], param: str | None
) -> None:
    for answer in (
        await service.post(picture(1), **fields),
        await service.http.post(FEEDBACK, params=fields, content=picture(1), headers=PNG),
    ):
        assert refusal(answer) == expected and answer.json()["error"]["param"] == param
        assert answer.json()["detail"].isprintable()
    assert await nothing_is_kept(service)


async def test_an_unknown_label_is_answered_with_those_that_are_known(service: Service) -> None:
    detail = (await service.post(picture(1), label="x")).json()["detail"]
    assert detail == "digits@1 does not know the label 'x'. It knows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9."
    assert "the label '7\\a'" in (await service.post(picture(1), label="7\\a")).json()["detail"]


@pytest.mark.parametrize("name", ["fb-0", "%00", "%ff", "..%2f..%2fx", "fb-" + "0" * 24])
async def test_ids_that_name_nothing(service: Service, name: str) -> None:
    for method, tail in (("GET", ""), ("GET", "/picture"), ("DELETE", "")):
        assert refusal(await service.http.request(method, f"{FEEDBACK}/{name}{tail}"))[0] == 404
    assert refusal(await service.http.get(f"{FEEDBACK}?after={name}")) == (404, "feedback_not_found")


@pytest.mark.parametrize("query", ["label=%00", "model=%00", "model=A", "limit=0", "limit=101", "limit=NaN"])
async def test_filters_that_make_no_sense(service: Service, query: str) -> None:
    for url in (FEEDBACK, *([f"{FEEDBACK}/export"] if "limit" not in query else [])):
        assert refusal(await service.http.get(f"{url}?{query}"))[0] == 422


async def test_the_disk_is_full(disk: Disk, registry: Registry, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as database:
        async with serving(database, registry, disk.folder, spare_bytes=0) as service:
            await service.given(picture(1), label="7")
            with disk.full(0):
                noise = png(np.random.default_rng(2).integers(0, 256, (900, 900), dtype=np.uint8))
                assert refusal(await service.post(noise, label="7")) == (507, "storage_full")
                assert len(service.left()) == 1
            assert (await service.post(noise, label="7")).status_code == 201


async def test_there_are_enough_already(registry: Registry, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as database:
        async with serving(database, registry, tmp_path / "state", most=1) as service:
            await service.given(picture(1), label="7")
            assert refusal(await service.post(picture(2), label="7")) == (507, "feedback_full")
            assert (await service.given(picture(1), label="1"))["replaced"] == "7" and len(service.left()) == 1


async def test_while_the_database_is_down() -> None:
    nobody = "postgresql+psycopg://nobody@127.0.0.1:1/none"  # nothing listens on port 1
    async with running(create_app(Settings(database_url=nobody))) as http:
        one = f"{FEEDBACK}/fb-{'0' * 24}"
        asked = [http.post(SEVEN, content=picture(1), headers=PNG), http.delete(one)]
        asked += [http.get(url) for url in (FEEDBACK, one, f"{one}/picture", f"{FEEDBACK}/summary")]
        for answer in await asyncio.gather(*asked, http.get(f"{FEEDBACK}/export")):
            assert refusal(answer) == (503, "database_unavailable")
        seven = (EXAMPLES / "7.png").read_bytes()
        assert (await http.post("/v1/predict", content=seven, headers=PNG)).json()["label"] == "7"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"loop_factory": LeapingLoop}


class Held:
    """A call that goes on when it is let."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.begun = 0
        self.let = threading.Event()
        self._call = call

    def __call__(self, *details: Any, **named: Any) -> Any:
        self.begun += 1
        assert self.let.wait(PATIENCE_SECONDS)
        return self._call(*details, **named)


async def answered(asked: Sequence[asyncio.Task[httpx.Response]], held: Held, turns: int) -> list[httpx.Response]:
    """The answers to more than get a turn: who gets none is told before the first of the others is let go on."""

    def are_told() -> bool:
        leap(60)
        return sum(one.done() for one in asked) == len(asked) - turns

    try:
        await until(lambda: held.begun == turns)
        await until(are_told)
    finally:
        held.let.set()
    return [await one for one in asked]


async def test_who_gets_no_turn_is_told(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as database:
        async with serving(database, registry, tmp_path / "state", wait_seconds=60) as service:
            held = Held(service.store.list)
            monkeypatch.setattr(service.store, "list", held)
            asked = [asyncio.create_task(service.http.get(FEEDBACK)) for _ in range(6)]
            answers = await answered(asked, held, turns=4)
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [503] * 2


async def test_more_pictures_than_can_be_looked_at(registry: Registry, tmp_path: Path) -> None:
    """One is looked at and 64 of a client wait."""
    with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as database, closing(Decoder()) as decoder:
        async with serving(database, registry, tmp_path / "state", wait_seconds=60, decoder=decoder) as service:
            assert (await service.post(picture(1), label="7")).status_code == 201
            (pid,) = decoder.pids
            os.kill(pid, signal.SIGSTOP)
            try:
                asked = [asyncio.create_task(service.post(picture(1), label="7")) for _ in range(66)]
                await until(lambda: any(one.done() for one in asked))
            finally:
                os.kill(pid, signal.SIGCONT)
            answers = [await one for one in asked]
    assert sorted(answer.status_code for answer in answers) == [200] * 65 + [429]
    assert {refusal(answer)[1] for answer in answers if answer.status_code == 429} == {"too_busy"}
