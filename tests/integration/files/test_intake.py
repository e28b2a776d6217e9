"""What is wrong with an upload's body, and the answer it gets; in every case nothing of it is left on disk."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.uploading import FILES, ZIP, Service, digits, serving

MULTIPART = {"content-type": "multipart/form-data; boundary=edge"}
DATA = digits()
CAP = 4096


def part(headers: str, content: bytes = DATA) -> bytes:
    return b"--edge\r\n" + headers.encode("latin-1") + b"\r\n\r\n" + content + b"\r\n"


def named(name: str, rest: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"{rest}'


FILE = part(named("file", '; filename="a.zip"'))
PURPOSE = part(named("purpose"), b"fine-tune")
END = b"--edge--\r\n"


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One for the whole file: what a test uploads it deletes."""
    async with serving(tmp_path_factory.mktemp("files"), max_bytes=CAP) as running:
        yield running


async def in_chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        pytest.param(b"", MULTIPART, 422, "file_missing", id="empty multipart body"),
        pytest.param(b"", ZIP, 422, "file_missing", id="empty raw body"),
        pytest.param(FILE + END, {"content-type": "multipart/form-data"}, 400, "multipart_malformed", id="no boundary"),
        pytest.param(
            FILE + END, {"content-type": "multipart/form-data; boundary=" + "e" * 300}, 400, "multipart_malformed",
            id="a boundary without end",
        ),
        pytest.param(PURPOSE + FILE, MULTIPART, 400, "multipart_malformed", id="missing final boundary"),
        pytest.param(FILE[:-30], MULTIPART, 400, "multipart_malformed", id="ends in the file"),
        pytest.param(b"rubbish", MULTIPART, 400, "multipart_malformed", id="no multipart at all"),
        pytest.param(PURPOSE + END, MULTIPART, 422, "file_missing", id="no file"),
        pytest.param(part(named("file"), b"text") + END, MULTIPART, 422, "file_missing", id="text field named file"),
        pytest.param(FILE.replace(b'"file"', b'"data"') + END, MULTIPART, 422, "file_missing", id="another name"),
        pytest.param(
            part(named("file", '; filename="a"'), b"") + END, MULTIPART, 422, "file_missing", id="an empty file"
        ),
        pytest.param(FILE + FILE + END, MULTIPART, 422, "too_many_files", id="two files"),
        pytest.param(
            part(named("other", '; filename="b"')) + FILE + END, MULTIPART, 422, "field_unknown", id="another file"
        ),
        pytest.param(FILE + part(named("top_k"), b"1") + END, MULTIPART, 422, "field_unknown", id="another text"),
        pytest.param(FILE + part(named("file"), b"1") + END, MULTIPART, 422, "field_unknown", id="a text file too"),
        pytest.param(FILE + PURPOSE + PURPOSE + END, MULTIPART, 422, "field_repeated", id="two purposes"),
        pytest.param(part(named("file"), b"x" * 2000) + END, MULTIPART, 422, "file_missing", id="a long text as file"),
        pytest.param(part(named("a"), b"") * 21 + END, MULTIPART, 400, "too_many_parts", id="21 parts"),
        pytest.param(
            part(named("file", '; filename="a"') + "".join(f"\r\nX-{i}: y" for i in range(9))) + END,
            MULTIPART, 400, "multipart_malformed", id="a part with over 8 headers",
        ),
        pytest.param(part(named("purpose"), b"x" * 1001) + FILE + END, MULTIPART, 422, "bad_string", id="a long text"),
        pytest.param(
            part(named("purpose"), b"batch") + FILE + END, MULTIPART, 422, "purpose_unknown", id="another purpose"
        ),
        pytest.param(
            FILE + part(named("purpose"), b"a\0\xff") + END, MULTIPART, 422, "purpose_unknown", id="no purpose at all"
        ),
        pytest.param(
            part(named("expires_after[anchor]"), b"created_at") + FILE + END, MULTIPART, 422, "expiry_unsupported",
            id="to expire",
        ),
        pytest.param(DATA, {"content-type": "image/png"}, 415, "unsupported_media_type", id="wrong content type"),
        pytest.param(DATA, {}, 415, "unsupported_media_type", id="no content type"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [7, 10**6])
async def test_a_bad_body(
    service: Service, body: bytes, headers: dict[str, str], status: int, code: str, size: int
) -> None:
    answer = await service.http.post(FILES, content=in_chunks(body, size), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert service.left() == [] and (await service.http.get(FILES)).json()["data"] == []


@pytest.mark.parametrize(
    ("body", "headers", "filename"),
    [
        (FILE + END, MULTIPART, "a.zip"),
        (PURPOSE + FILE + END, MULTIPART, "a.zip"),
        (FILE + PURPOSE + END, MULTIPART, "a.zip"),
        (
            PURPOSE.replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n") + FILE + END,
            MULTIPART,
            "a.zip",
        ),
        (part(named("file", '; filename="../../etc/passwd"')) + END, MULTIPART, "passwd"),
        (part(named("file", '; filename="a\xff\xfe"')) + END, MULTIPART, "aÿþ"),
        (part(named("file", '; filename=""')) + END, MULTIPART, "data"),
        (part(named("file") + "\r\nContent-Type: application/zip") + END, MULTIPART, "data"),
        (DATA, ZIP, "data"),
        (DATA, {"content-type": "application/octet-stream; charset=binary"}, "data"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10**6])
async def test_a_good_body_in_chunks_of_any_size(
    service: Service, body: bytes, headers: dict[str, str], filename: str, size: int
) -> None:
    answer = await service.http.post(FILES, content=in_chunks(body, size), headers=headers)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["filename"], made["bytes"], made["report"]["kept"]) == (filename, len(DATA), 2)
    assert (service.folder / made["id"] / "data").read_bytes() == DATA
    await service.http.delete(f"{FILES}/{made['id']}")


async def test_uploads_have_a_cap_of_their_own(service: Service) -> None:
    async def post(url: str, size: int, **headers: str) -> httpx.Response:
        return await service.http.post(url, content=in_chunks(b"x" * size, 1000), headers=ZIP | headers)

    for answer in (await post(FILES, CAP + 1), await post(FILES, 1, **{"content-length": str(CAP + 1)})):
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
        assert service.left() == []
    assert (await post(FILES, CAP)).json()["code"] == "data_unknown_type"
    for url in (f"{FILES}/", f"{FILES}/file-0", "/v1/predict"):
        answer = await post(url, 1, **{"content-length": "2049"})
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
