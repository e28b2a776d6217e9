"""What is wrong with a request's body, and the answer it gets: the rows of the fault table about bodies."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running

MULTIPART = {"content-type": "multipart/form-data; boundary=edge"}
PICTURE = (EXAMPLES / "7.png").read_bytes()


def part(headers: str, content: bytes = PICTURE) -> bytes:
    return b"--edge\r\n" + headers.encode("latin-1") + b"\r\n\r\n" + content + b"\r\n"


def named(rest: str) -> str:
    return f'Content-Disposition: form-data; name="file"{rest}'


WHOLE = part(named('; filename="a.png"')) + b"--edge--\r\n"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        pytest.param(b"", MULTIPART, 422, "file_missing", id="empty multipart body"),
        pytest.param(b"", {"content-type": "image/png"}, 422, "file_missing", id="empty raw body"),
        pytest.param(WHOLE, {"content-type": "multipart/form-data"}, 400, "multipart_malformed", id="no boundary"),
        pytest.param(WHOLE[:-10], MULTIPART, 400, "multipart_malformed", id="missing final boundary"),
        pytest.param(b"rubbish", MULTIPART, 400, "multipart_malformed", id="no multipart at all"),
        pytest.param(part(named("")) + b"--edge--\r\n", MULTIPART, 422, "file_missing", id="text field named file"),
        pytest.param(WHOLE.replace(b'"file"', b'"image"'), MULTIPART, 422, "file_missing", id="another field name"),
        pytest.param(PICTURE, {"content-type": "text/plain"}, 415, "unsupported_media_type", id="wrong content type"),
        pytest.param(PICTURE, {}, 415, "unsupported_media_type", id="no content type"),
        pytest.param(
            part(named('; filename="a"') + "".join(f"\r\nX-{i}: y" for i in range(9))) + b"--edge--\r\n",
            MULTIPART, 400, "multipart_malformed", id="a part with over 8 headers",
        ),
        pytest.param(
            part('Content-Disposition: form-data; name="a"', b"") * 1001 + b"--edge--\r\n",
            MULTIPART, 400, "too_many_parts", id="1001 parts",
        ),
    ],
)  # fmt: skip
async def test_bad_body(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await client.post("/v1/predict", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "rest",
    [
        '; filename="../../etc/passwd"',
        '; filename="a\xff\xfe"',
        '; filename=""',
        "; filename*=UTF-8''a.png; filename=b",
    ],
)
async def test_file_names_never_matter(client: httpx.AsyncClient, rest: str) -> None:
    body = part(named(rest)) + b"--edge--\r\n"
    answer = await client.post("/v1/predict", content=body, headers=MULTIPART)
    assert (answer.status_code, answer.json()["label"]) == (200, "7")


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_app(Settings(store_dir=tmp_path / "store", max_body_bytes=2048))) as http:
        yield http


async def test_a_declared_length_over_the_cap_is_refused_at_the_headers(small: httpx.AsyncClient) -> None:
    for length in ("2049", "99999999999", "-1", "x"):
        headers = {"content-type": "image/png", "content-length": length}
        answer = await small.post("/v1/predict", content=b"", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_a_chunked_body_is_counted_as_it_comes(small: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 1024

    answer = await small.post("/v1/predict", content=chunks(), headers={"content-type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert answer.json()["detail"].startswith("The body is larger than")


async def test_a_body_at_the_cap_passes_on(small: httpx.AsyncClient) -> None:
    answer = await small.post("/v1/predict", content=b"x" * 2048, headers={"content-type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (422, "image_invalid")
