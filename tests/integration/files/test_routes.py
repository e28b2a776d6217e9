"""/v1/files as the unmodified `openai` package and a plain client see it."""

import dataclasses
import hashlib
import io
from collections.abc import AsyncIterator
from pathlib import Path

import openai
import pytest

from models_store.preparation import WritingSpec
from models_store.specs import InputSpec
from tests.support.uploading import FILES, ZIP, Service, digits, lines, packed, picture, serving
from tests.unit.models_store.datasets.test_clean import unit
from tests.unit.models_store.datasets.test_rows import zip_of_windows


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(tmp_path) as running:
        yield running


@pytest.fixture
def client(service: Service) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="any", base_url="http://test/v1", http_client=service.http, max_retries=0)


async def test_the_openai_package_uploads_looks_downloads_and_deletes(
    service: Service, client: openai.AsyncOpenAI, tmp_path: Path
) -> None:
    path = tmp_path / "mine.zip"
    path.write_bytes(digits(6))
    made = await client.files.create(file=path, purpose="fine-tune")
    assert (made.object, made.status, made.filename, made.purpose) == ("file", "processed", "mine.zip", "fine-tune")
    assert made.bytes == path.stat().st_size and made.id.startswith("file-") and made.created_at > 1_700_000_000
    assert made.model_extra is not None and made.model_extra["report"]["per_label"] == {"1": 3, "7": 3}
    assert await client.files.retrieve(made.id) == made
    (listed,) = [file async for file in client.files.list()]
    whole = made.model_extra["report"]
    left_out = {name: whole.pop(name) for name in ("examples", "per_split", "label_column", "scale", "passed_over")}
    assert not any(left_out.values()) and listed == made
    assert (await client.files.content(made.id)).content == path.read_bytes()
    gone = await client.files.delete(made.id)
    assert (gone.id, gone.object, gone.deleted) == (made.id, "file", True)
    assert service.left() == []
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError) as caught:
            await call(made.id)
        assert caught.value.code == "file_not_found"


async def test_the_openai_package_pages_by_itself(client: openai.AsyncOpenAI) -> None:
    made = [(await client.files.create(file=(f"{n}.zip", digits(n)), purpose="fine-tune")).id for n in range(1, 6)]
    newest = [file.id async for file in client.files.list(limit=2)]
    oldest = [file.id async for file in client.files.list(limit=2, order="asc")]
    assert sorted(newest) == sorted(made) and oldest == newest[::-1]
    page = await client.files.list(limit=2, after=newest[1], purpose="fine-tune")
    assert [file.id for file in page.data] == newest[2:4] and page.has_more
    assert not (await client.files.list(limit=2, after=newest[3])).has_more
    assert (await client.files.list(purpose="batch")).data == []


async def test_a_page_says_where_the_next_one_begins(service: Service) -> None:
    assert (await service.http.get(FILES)).json() == {
        "object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False
    }  # fmt: skip
    made = {(await service.http.post(FILES, content=digits(n), headers=ZIP)).json()["id"] for n in (1, 2, 3)}
    page = (await service.http.get(FILES, params={"limit": 2})).json()
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][1]["id"]) and page["has_more"]
    rest = (await service.http.get(FILES, params={"after": page["last_id"]})).json()
    assert made == {page["first_id"], page["last_id"], rest["first_id"]} and not rest["has_more"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"after": "file-0123"}, 404, "file_not_found"),
        ({"after": "a\0b"}, 404, "file_not_found"),
        ({"limit": "0"}, 422, "validation_failed"),
        ({"limit": "10001"}, 422, "validation_failed"),
        ({"order": "up"}, 422, "validation_failed"),
    ],
)
async def test_a_page_that_there_is_not(service: Service, query: dict[str, str], status: int, code: str) -> None:
    answer = await service.http.get(FILES, params=query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("name", ["file-0123", "x", "%00", "..%2f..", "file-%E2%80%AE", "file-" + "0" * 5000])
async def test_ids_that_nothing_has(service: Service, name: str) -> None:
    for method, rest in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        answer = await service.http.request(method, f"{FILES}/{name}{rest}")
        assert answer.status_code == 404 and answer.json()["code"] in ("file_not_found", "not_found")


async def test_the_report_tells_of_every_row(service: Service) -> None:
    """One row of each kind that the fault table names, counted by hand."""
    rows = lines(
        ("7", picture(1)), ("1", picture(2)), ("7", picture(1)),  # the third is a duplicate
        ("1", picture(3)), ("7", picture(3)),  # two labels
        ("7", picture(4)[:-30]), ("7", b"no picture"), ("", picture(5)), ("a", picture(6)),
    )  # fmt: skip
    answer = await service.http.post(FILES, content=rows + b"{", headers={"content-type": "application/jsonl"})
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    examples = {(found["where"], found["code"]) for found in report.pop("examples")}
    assert examples == {
        ("line 5", "conflicting_labels"), ("line 6", "image_truncated"), ("line 7", "image_invalid"),
        ("line 8", "label_missing"), ("line 10", "row_malformed"),
    }  # fmt: skip
    assert report == {
        "rows": 10, "kept": 3, "duplicates": 1, "conflicting_labels": 2, "per_label": {"7": 1, "1": 1, "a": 1},
        "refused": {"image_truncated": 1, "image_invalid": 1, "label_missing": 1, "row_malformed": 1},
        "input": {
            "channels": 1, "height": 28, "width": 28, "mean": [0.1307], "std": [0.3081], "preparation": "writing",
            "writing": dataclasses.asdict(WritingSpec()),
        },
        "per_split": {}, "label_column": None, "scale": None, "passed_over": {},
    }  # fmt: skip
    assert (await service.http.get(f"{FILES}/{answer.json()['id']}")).json() == answer.json()


async def test_the_report_tells_of_parts_and_of_what_lies_beside_the_pictures(service: Service) -> None:
    """`mnist_png` as it is packed on Windows and macOS: two parts, a text, and what systems add."""
    names = {f"mnist_png/{part}/{label}/{seed}.png": seed for part, label, seed in (
        ("training", "7", 1), ("training", "1", 2), ("training", "7", 3), ("testing", "7", 4), ("testing", "1", 1),
    )}  # fmt: skip
    beside = dict.fromkeys(("mnist_png/README.txt", "__MACOSX/mnist_png/._README.txt", "$RECYCLE.BIN/x.png"), b"x")
    answer = await service.http.post(
        FILES, content=packed({name: picture(seed) for name, seed in names.items()} | beside), headers=ZIP
    )
    report = answer.json()["report"]
    # The fifth is the first again with another label: neither is kept.
    assert (report["rows"], report["kept"], report["conflicting_labels"]) == (5, 3, 2)
    assert report["per_split"] == {"test": {"7": 1}, "train": {"1": 1, "7": 1}}
    assert report["passed_over"] == {
        "system": {"count": 2, "names": ["__MACOSX/mnist_png/._README.txt", "$RECYCLE.BIN/x.png"]},
        "no_picture": {"count": 1, "names": ["mnist_png/README.txt"]},
    }  # fmt: skip


async def test_the_report_tells_how_a_table_was_read(service: Service) -> None:
    rows = [f"{seed % 2},{','.join(map(str, unit(seed).flatten().tolist()))}" for seed in range(4)]
    table = "\n".join([f"Digit,{','.join(f'pixel{n}' for n in range(784))}", *rows])
    report = (await service.http.post(FILES, content=table.encode(), headers={"content-type": "text/csv"})).json()[
        "report"
    ]
    assert (report["label_column"], report["scale"], report["per_label"]) == (
        "column 1, called Digit", "0..255", {"0": 2, "1": 2},
    )  # fmt: skip


async def test_a_zip_of_windows_costs_a_row_at_most(service: Service) -> None:
    data = zip_of_windows("7\\größe1.png", "1\\x2.png", "ß\\x3.png")
    answer = await service.http.post(FILES, content=data, headers=ZIP)
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    told = {row["where"]: row["code"] for row in report["examples"]}
    assert report["rows"] == 3 and told == {
        "1/x2.png": "image_invalid", "7/größe1.png": "image_invalid", "ß/x3.png": "label_invalid",
    }  # fmt: skip


async def test_a_list_is_short_whatever_the_reports_say(service: Service) -> None:
    rows = lines(*((f"label {number:03}", picture(number)) for number in range(101)), ("7", b"no picture"))
    made = (await service.http.post(FILES, content=rows, headers={"content-type": "application/jsonl"})).json()
    assert (len(made["report"]["per_label"]), len(made["report"]["examples"])) == (101, 1)
    answer = await service.http.get(FILES)
    assert answer.headers["content-type"] == "application/json"
    (listed,) = answer.json()["data"]
    assert "examples" not in listed["report"] and listed["report"]["refused"] == {"image_invalid": 1}
    assert list(listed["report"]["per_label"]) == [f"label {number:03}" for number in range(100)]
    assert {**listed, "report": None} == {**made, "report": None}


async def test_a_set_none_of_whose_pictures_is_usable_is_kept_and_says_so(service: Service) -> None:
    answer = await service.http.post(FILES, content=packed({"7/a.png": b"x", "1/b.png": b"y"}), headers=ZIP)
    assert answer.status_code == 200
    report = answer.json()["report"]
    assert (report["rows"], report["kept"], report["refused"], report["per_label"]) == (2, 0, {"image_invalid": 2}, {})


async def test_the_store_knows_what_the_pictures_were_prepared_for(tmp_path: Path) -> None:
    spec = InputSpec(channels=3, height=40, width=32, mean=(0.5,) * 3, std=(0.25,) * 3, preparation="picture")
    async with serving(tmp_path, spec=lambda: spec) as service:
        answer = await service.http.post(FILES, content=digits(), headers=ZIP)
        assert service.store.get(answer.json()["id"]).input == spec


async def test_content_is_saved_by_browsers_never_shown(service: Service) -> None:
    data = digits()
    form = {"file": ('<b>ä "quoted".html', io.BytesIO(data), "text/html")}
    made = (await service.http.post(FILES, files=form, data={"purpose": "fine-tune"})).json()
    answer = await service.http.get(f"{FILES}/{made['id']}/content")
    assert answer.content == data and hashlib.sha256(data).hexdigest() == made["sha256"]
    assert answer.headers["content-length"] == str(len(data)) == str(made["bytes"])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=utf-8''%3Cb%3E%C3%A4%20")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\ä.zip", "ä.zip"),
        ("a\u202egpj.zip", "a\\u202egpj.zip"),
        ("a\0b.zip", "a\\x00b.zip"),
        ("", "data"),
        ("..", ".."),
        ("x" * 5000, "x" * 200 + "…"),
    ],
)
async def test_a_name_is_shown_safely_and_is_none_on_disk(service: Service, given: str, shown: str) -> None:
    answer = await service.http.post(FILES, params={"filename": given}, content=digits(), headers=ZIP)
    made = answer.json()
    assert made["filename"] == shown
    assert service.left() == [made["id"]]
    home = service.folder / made["id"]
    assert [(path.name, path.is_symlink()) for path in home.iterdir()] == [("data", False)]
    content = await service.http.get(f"{FILES}/{made['id']}/content")
    assert content.status_code == 200 and content.headers["content-disposition"].startswith("attachment; ")


async def test_a_file_that_a_job_needs_stays(tmp_path: Path) -> None:
    needed, data = dict[str, str](), digits()  # a zip has the time in it: another is another
    async with serving(tmp_path, in_use=lambda _, file_id: needed.get(file_id)) as service:
        made = (await service.http.post(FILES, content=data, headers=ZIP)).json()["id"]
        needed[made] = "ftjob-7"
        answer = await service.http.delete(f"{FILES}/{made}")
        assert (answer.status_code, answer.json()["code"]) == (409, "file_in_use") and "ftjob-7" in answer.text
        assert (await service.http.get(f"{FILES}/{made}/content")).content == data
        needed.clear()
        assert (await service.http.delete(f"{FILES}/{made}")).json() == {
            "id": made, "object": "file", "deleted": True
        }  # fmt: skip
        assert service.left() == []
