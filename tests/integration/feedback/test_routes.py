"""/v1/feedback over HTTP: given, given again, contradicted, looked at, exported, deleted."""

import asyncio
import base64
import io
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.correcting import FEEDBACK, Service, kept, picture, serving
from tests.support.pictures import saved
from tests.unit.models_store.pictures.test_stripped import PICTURES, SECRET, digit, telling

PNG = {"content-type": "image/png"}


@pytest.fixture
async def service(database: Database, registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(database, registry, tmp_path / "state", job_after=20) as running:
        yield running


async def test_a_correction_as_a_form(service: Service) -> None:
    answer = await service.post(picture(1), label=" 7 ", model="digits@1", read_as="1")
    record = answer.json()
    assert answer.status_code == 201 and answer.headers["location"] == f"{FEEDBACK}/{record['id']}"
    expected: dict[str, Any] = {
        "object": "feedback",
        "model": "digits",
        "label": "7",
        "read_by": "digits@1",
        "read_as": "1",
    }
    expected |= {"width": 28, "height": 28, "bytes": len(kept(1).png), "job": None, "replaced": None}
    assert {key: record[key] for key in expected} == expected and record["sha256"] == kept(1).sha256
    del record["replaced"]
    assert (await service.http.get(f"{FEEDBACK}/{record['id']}")).json() == record


async def test_a_correction_as_a_body(service: Service) -> None:
    url = f"{FEEDBACK}?label=7&read_as=1"
    answer = await service.http.post(url, content=picture(1), headers=PNG)
    assert answer.status_code == 201
    assert [answer.json()[key] for key in ("label", "read_by", "read_as")] == ["7", "digits@1", "1"]
    octets = {"content-type": "application/octet-stream"}
    again = await service.http.post(f"{FEEDBACK}?label=7", content=picture(1), headers=octets)
    assert (again.status_code, again.json()) == (200, answer.json())


async def test_the_forms_own_fields_win(service: Service) -> None:
    files = {"file": ("x.png", picture(1))}
    answer = await service.http.post(f"{FEEDBACK}?label=3&read_as=1", files=files, data={"label": "7"})
    assert (answer.json()["label"], answer.json()["read_as"]) == ("7", "1")


async def test_texts_that_say_what_they_are(service: Service) -> None:
    """Some libraries give every part a type."""
    parts: dict[str, tuple[str | None, bytes, str]] = {
        "file": ("x", picture(1), "image/png"),
        "label": (None, b"7", "text/plain; charset=utf-8"),
    }
    answer = await service.http.post(FEEDBACK, files=parts)
    assert (answer.status_code, answer.json()["label"]) == (201, "7")


async def test_it_belongs_to_the_model_whatever_version_read_it(service: Service, registry: Registry) -> None:
    assert republished(registry).ref == "digits@2"
    records = [await service.given(picture(n), label="7", model=ref) for n, ref in enumerate(("digits", "digits@2"))]
    assert [(one["model"], one["read_by"]) for one in records] == [("digits", "digits@1"), ("digits", "digits@2")]


async def test_fifty_at_once_are_one(service: Service) -> None:
    answers = await asyncio.gather(*(service.post(picture(1), label="7") for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 49}
    assert len({answer.json()["id"] for answer in answers}) == 1 and len(service.left()) == 1


async def test_the_last_word_counts(service: Service) -> None:
    first = await service.given(picture(1), label="3")
    answer = await service.post(picture(1), label="8")
    second = answer.json()
    assert (answer.status_code, second["id"], second["label"], second["replaced"]) == (200, first["id"], "8", "3")
    assert (await service.given(picture(1), label="8"))["replaced"] is None
    summary = (await service.http.get(f"{FEEDBACK}/summary")).json()
    assert summary["per_label"] == {"8": 1}


@pytest.mark.parametrize("kind", telling())
async def test_nothing_tells_where_it_was_taken(service: Service, kind: str) -> None:
    record = await service.given(telling()[kind], label="1")
    shown = await service.http.get(f"{FEEDBACK}/{record['id']}/picture")
    assert shown.status_code == 200 and shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert Image.open(io.BytesIO(shown.content)).info == {}
    listed = (await service.http.get(FEEDBACK)).json()["data"][0]["thumbnail"]
    lying = [path.read_bytes() for path in service.folder.rglob("*") if path.is_file()]
    for data in (shown.content, base64.b64decode(listed.partition(",")[2]), *lying):
        assert SECRET.encode() not in data


@pytest.mark.parametrize("kind", PICTURES)
async def test_every_kind_of_picture_is_taken(service: Service, kind: str) -> None:
    record = await service.given(PICTURES[kind], label="1")
    assert (record["width"], record["height"]) == (60, 40)


async def test_pages_with_thumbnails(service: Service) -> None:
    large = saved(digit("RGB", (900, 600)))
    made = [(await service.given(picture(n), label="71"[n % 2]))["id"] for n in range(5)]
    made.append((await service.given(large, label="7"))["id"])
    seen: list[dict[str, Any]] = []
    more, after = True, ""
    while more:
        page = (await service.http.get(f"{FEEDBACK}?limit=4{after}")).json()
        assert page["object"] == "list" and page["first_id"] == page["data"][0]["id"]
        seen, more, after = seen + page["data"], page["has_more"], f"&after={page['last_id']}"
    assert [one["id"] for one in seen] == made[::-1]
    small = Image.open(io.BytesIO(base64.b64decode(seen[0]["thumbnail"].removeprefix("data:image/png;base64,"))))
    assert small.size == (96, 64) and small.mode == "RGB"
    for query, count in (("label=7", 4), ("label=1&model=digits", 2), ("model=letters", 0), ("label=x", 0)):
        assert len((await service.http.get(f"{FEEDBACK}?{query}")).json()["data"]) == count
    assert (await service.http.get(f"{FEEDBACK}?model=letters")).json()["first_id"] is None


async def test_the_summary_counts(service: Service) -> None:
    for number in range(3):
        await service.given(picture(number), label="771"[number])
    expected = {"object": "feedback.summary", "model": "digits", "total": 3, "per_label": {"1": 1, "7": 2}}
    summary = (await service.http.get(f"{FEEDBACK}/summary")).json()
    assert summary == expected | {"waiting": 3, "held": 0, "job_after": 20}
    other = (await service.http.get(f"{FEEDBACK}/summary?model=letters")).json()
    assert (other["total"], other["waiting"], other["job_after"]) == (0, 0, None)


async def test_an_export_is_a_data_set(service: Service) -> None:
    for number in range(6):
        await service.given(picture(number), label="717"[number % 3])
    answer = await service.http.get(f"{FEEDBACK}/export")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    uploaded = await service.http.post("/v1/files", files={"file": ("f.zip", answer.content)})
    report = uploaded.json()["report"]
    assert (report["rows"], report["kept"], report["per_label"]) == (6, 6, {"1": 2, "7": 4})
    ones = await service.http.get(f"{FEEDBACK}/export?label=1&model=digits")
    with zipfile.ZipFile(io.BytesIO(ones.content)) as archive:
        names = archive.namelist()
        assert len(names) == 2 and all(name.startswith("1/fb-") for name in names)
        assert archive.read(names[0]) == kept(1).png
    assert (await service.http.get(f"{FEEDBACK}/export?label=9")).status_code == 404


async def test_deleting_really_deletes(service: Service) -> None:
    record = await service.given(saved(digit("RGB", (900, 600))), label="1")
    url = f"{FEEDBACK}/{record['id']}"
    assert len(list(service.folder.glob("fb-*/*.png"))) == 2
    answer = await service.http.delete(url)
    assert answer.json() == {"id": record["id"], "object": "feedback", "deleted": True}
    assert service.left() == [] and (await service.http.get(FEEDBACK)).json()["data"] == []
    for method, tail in (("GET", ""), ("GET", "/picture"), ("DELETE", "")):
        assert (await service.http.request(method, f"{url}{tail}")).status_code == 404
