"""Multipart bodies (RFC 7578), split whole or piece by piece, and what is malformed."""

import httpx
import pytest

from app.errors import BadRequest
from app.web.multipart import Multipart, Part, parts

TYPE = "multipart/form-data; boundary=edge"
DATA = b"\x00\xff\r\n--edg\r\n--\r\n"  # nearly a boundary
BODY = (
    b'--edge\r\nContent-Disposition: form-data; name="label"\r\n\r\n7\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="../a.png"\r\nContent-Type: image/png\r\n\r\n'
    + DATA
    + b"\r\n--edge--\r\n"
)


def refusal(body: bytes, content_type: str = TYPE) -> str:
    with pytest.raises(BadRequest) as refused:
        parts(body, content_type)
    return refused.value.code


def part(headers: str) -> bytes:
    return f"--edge\r\n{headers}\r\n\r\nx\r\n".encode("latin-1")


def test_a_field_and_a_file_are_told_apart() -> None:
    label, file = parts(BODY, TYPE)
    assert (label.name, label.is_file, bytes(label.data)) == ("label", False, b"7")
    assert (file.name, file.is_file, bytes(file.data)) == ("file", True, DATA)
    assert file.headers["content-type"] == "image/png"


def test_wherever_the_pieces_are_cut_the_parts_are_the_same() -> None:
    for cut in range(len(BODY) + 1):
        heard: dict[str, bytearray] = {"label": bytearray(), "file": bytearray()}

        def on_data(part: Part, piece: bytes, heard: dict[str, bytearray] = heard) -> None:
            heard[part.name].extend(piece)

        form = Multipart(TYPE, on_data)
        form.feed(BODY[:cut])
        form.feed(BODY[cut:])
        form.end()
        assert heard == {"label": b"7", "file": DATA}
        assert all(part.data == b"" for part in form.parts)  # whoever listens keeps the content


def test_the_body_of_another_library_is_read() -> None:
    files = [("files", ("ä.png", DATA, "image/png")), ("files", ("b", b"", "image/png"))]
    form = httpx.Request("POST", "http://x", files=files, data={"label": "7"})
    found = parts(form.read(), form.headers["content-type"])
    assert [(one.name, one.is_file, bytes(one.data)) for one in found] == [
        ("label", False, b"7"), ("files", True, DATA), ("files", True, b""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "is_file"),
    [
        ('Content-Disposition: form-data; name="a"', False),
        ('Content-Disposition: form-data; name="a"; filename=""', True),
        ("Content-Disposition: form-data; name=a; filename*=UTF-8''b", True),
        ('CONTENT-DISPOSITION: form-data; name="a"\r\nContent-Type: text/plain', True),
    ],
)
def test_what_has_a_file_name_or_a_type_is_a_file(headers: str, is_file: bool) -> None:
    (found,) = parts(part(headers) + b"--edge--\r\n", TYPE)
    assert (found.name, found.is_file) == ("a", is_file)


def test_a_part_without_a_name_has_none() -> None:
    (found,) = parts(part("X-Other: 1") + b"--edge--\r\n", TYPE)
    assert (found.name, found.is_file) == ("", False)
    assert parts(b"", TYPE) == []


@pytest.mark.parametrize("end", [len(BODY) - 4, len(BODY) - 12, 100, 30, 1])  # of the final boundary and before it
def test_a_body_that_ends_too_early_is_malformed(end: int) -> None:
    assert refusal(BODY[:end]) == "multipart_malformed"


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", "text/plain", ""])
def test_a_type_without_a_boundary_is_malformed(kind: str) -> None:
    assert refusal(BODY, kind) == "multipart_malformed"


def test_a_thousand_parts_are_enough() -> None:
    one = part('Content-Disposition: form-data; name="a"')
    assert len(parts(one * 1000 + b"--edge--\r\n", TYPE)) == 1000
    assert refusal(one * 1001 + b"--edge--\r\n") == "too_many_parts"
    form = Multipart(TYPE, lambda part, piece: None, max_parts=1)
    form.feed(one)
    with pytest.raises(BadRequest, match="more than 1 parts"):
        form.feed(one)
