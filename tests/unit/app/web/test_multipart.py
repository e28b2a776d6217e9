"""Multipart bodies (RFC 7578), split whole or piece by piece, and what is malformed."""

from collections.abc import Sequence

import httpx
import pytest

from app.errors import BadRequest
from app.web.multipart import Multipart, Part, parts, without_file

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
        ('CONTENT-DISPOSITION: form-data; name="a"\r\nContent-Type: image/png', True),
        ('Content-Disposition: form-data; name="a"\r\nContent-Type: application/octet-stream', True),
        ('Content-Disposition: form-data; name="a"\r\nContent-Type: text/csv', True),
        ('Content-Disposition: form-data; name="a"; filename="b"\r\nContent-Type: text/plain', True),
        ("Content-Disposition: form-data; name=a\r\nContent-Type: Text/Plain; charset=utf-8", False),  # .NET
        ('Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=ISO-8859-1', False),  # Apache
        ('Content-Disposition: form-data; name="a"\r\nContent-Type: application/json', False),  # Spring
        ('Content-Disposition: form-data; name="a"\r\nContent-Type: ', False),
    ],
)
def test_what_has_a_file_name_or_the_type_of_a_file_is_one(headers: str, is_file: bool) -> None:
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


@pytest.mark.parametrize(
    ("rest", "name"),
    [
        ('; filename="7.png"', "7.png"),
        ('; filename="\u00e4.png"', "\u00e4.png"),
        ("; filename*=UTF-8''na%C3%AFve%207.png", "na\u00efve 7.png"),
        ("; filename*=iso-8859-1'en'caf%E9.png", "caf\u00e9.png"),
        ("; filename*=utf-8''%ff%fe", "\ufffd\ufffd"),
        ("; filename=a.png; filename*=utf-8''b.png", "a.png"),
        ('; filename=""', ""),
        ("; filename*=utf-7''x", ""),
        ("", ""),
    ],
)
def test_a_file_is_called_what_any_library_calls_it(rest: str, name: str) -> None:
    head = f'Content-Disposition: form-data; name="file"{rest}\r\nContent-Type: image/png'.encode()
    (found,) = parts(b"--edge\r\n" + head + b"\r\n\r\nx\r\n--edge--\r\n", TYPE)
    assert (found.filename, found.is_file) == (name, True)


def test_what_is_not_utf_8_still_has_a_name() -> None:
    head = b'Content-Disposition: form-data; name="f\xe9"; filename="\xe9.png"'
    (found,) = parts(b"--edge\r\n" + head + b"\r\n\r\nx\r\n--edge--\r\n", TYPE)
    assert (found.name, found.filename) == ("f\u00e9", "\u00e9.png")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "There is no picture in the request. Send it as the field `file`."),
        (["image"], "The form has `image`, and no `file`. Send the picture as the field `file`."),
        (["a", "b", "a"], "The form has `a`, `b`, and no `file`. Send the picture as the field `file`."),
        (["a", "file"], "The field `file` came as a text. Send it as a file: curl's -F file=@NAME does."),
        ([""], "The form has ``, and no `file`. Send the picture as the field `file`."),
        (["\x1b[2J"], "The form has `\\x1b[2J`, and no `file`. Send the picture as the field `file`."),
        (
            "abcdefg",
            "The form has `a`, `b`, `c`, `d`, `e` and 2 more, and no `file`. Send the picture as the field `file`.",
        ),
    ],
)
def test_a_form_without_the_file_is_told_what_came(names: Sequence[str], sentence: str) -> None:
    found = [Part({"content-disposition": f'form-data; name="{name}"'}) for name in names]
    assert str(without_file(found, "file")) == sentence


def test_a_field_name_without_end_is_cut() -> None:
    found = [Part({"content-disposition": f'form-data; name="{"x" * 5000}"'})]
    assert len(str(without_file(found, "file"))) < 200


def test_a_content_type_without_end_is_not_searched() -> None:
    with pytest.raises(BadRequest) as refused:
        parts(BODY, "multipart/form-data; " + "a=b; " * 6000 + "boundary=edge")
    assert refused.value.code == "multipart_malformed"


@pytest.mark.parametrize("content", [b"\r\n--edg" * 5000, b"\r" * 5000, b"\n--edge-" * 99, b"", b"\r\n", bytes(10**6)])
def test_content_that_looks_like_boundaries_is_copied_whole(content: bytes) -> None:
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    first, second = parts(head + content + b"\r\n" + head + b"x\r\n--edge--\r\n", "multipart/form-data; boundary=edge")
    assert (first.data, second.data) == (content, b"x")
