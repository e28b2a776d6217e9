"""The direct way takes requests apart as the library does, or leaves them to it."""

import random

import httpx
import pytest
from starlette.datastructures import QueryParams

from app.errors import AppError
from app.web.direct import Sent, files_of, picture_of, query_of
from app.web.multipart import parts

EDGE = b"multipart/form-data; boundary=edge"
PART = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\nContent-Type: image/png\r\n\r\n'
WHOLE = PART + b"picture\r\n--edge--\r\n"


@pytest.mark.parametrize(
    "query", [b"", b"a=1", b"model=digits@1&top_k=3", b"a_b=x.y-z_@&c=0", b"a=" + b"x" * 200, b"a" * 20 + b"=1"]
)
def test_a_plain_query_is_read_as_starlette_does(query: bytes) -> None:
    assert query_of(query) == dict(QueryParams(query))


@pytest.mark.parametrize(
    "query",
    [
        *b"a a= =a a=1& &a=1 a=1&&b=1 a=1&a=1 a=1&a=2 a=%31 %61=1 a=1+1 a=1;b=2 A=1 a1=1 a==1 a=1=1".split(),
        *b"a=1# a=\xe4 a[]=1 &".split(), b"a=" + b"x" * 201, b"a" * 21 + b"=1", b"a=1\n", b"a=1 ", "a=\u0661".encode(),
    ],
)  # fmt: skip
def test_another_query_is_left(query: bytes) -> None:
    assert query_of(query) is None


def sent(kind: bytes, body: bytes) -> Sent:
    return Sent({"type": "http"}, kind, body)


@pytest.mark.parametrize("kind", [b"image/png", b"image/x-y.z", b"image/svg+xml", b"application/octet-stream"])
def test_a_picture_is_the_whole_body(kind: bytes) -> None:
    assert picture_of(sent(kind, b"picture")) == b"picture"


def test_a_picture_is_the_one_file_of_a_form() -> None:
    assert picture_of(sent(EDGE, WHOLE)) == b"picture"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *[(kind, b"picture") for kind in b"image/|image/PNG|image/png; x=y|text/plain|image/png\n||image".split(b"|")],
        (b"image/png", b""), (b"application/octet-streams", b"picture"), (EDGE, WHOLE.replace(b"picture", b"")),
        (EDGE, WHOLE.replace(b'"file"', b'"files"')), (EDGE, PART + b"\r\n" + WHOLE), (EDGE + b" ", WHOLE),
        (EDGE.upper(), WHOLE), (b'multipart/form-data; boundary="edge"', WHOLE), (b"multipart/form-data", WHOLE),
    ],
)  # fmt: skip
def test_what_is_unusual_or_wrong_is_left(kind: bytes, body: bytes) -> None:
    assert picture_of(sent(kind, body)) is None


@pytest.mark.parametrize("count", [1, 2, 255, 256])
def test_a_form_has_files_up_to_the_most(count: int) -> None:
    one = PART + b"%d\r\n"
    body = b"".join(one % place for place in range(count)) + b"--edge--\r\n"
    assert files_of(EDGE, body, b"file", most=256) == [("7.png", b"%d" % place) for place in range(count)]
    assert files_of(EDGE, body, b"file", most=count - 1) is None


@pytest.mark.parametrize("client", ["httpx", "by hand"])
def test_what_clients_write_goes_the_direct_way(client: str) -> None:
    """httpx, and in its manner requests, curl and browsers: a disposition, then the type."""
    if client == "httpx":
        request = httpx.Request("POST", "http://x", files={"file": ("7.png", b"a\r\n-b", "image/png")})
        kind, body = request.headers["content-type"].encode(), request.read()
    else:  # curl 8's and Chrome 120's boundaries
        kind = b"multipart/form-data; boundary=------------------------uVO5pGbr2iJlSCSPL9rwEZ"
        body = WHOLE.replace(b"picture", b"a\r\n-b").replace(b"edge", kind[30:])
    assert files_of(kind, body, b"file", most=1) == [("7.png", b"a\r\n-b")]


def library(kind: bytes, body: bytes) -> list[tuple[str | None, bytes]] | None:
    """The files of the form, as the library has them; None where it refuses it or has anything else."""
    try:
        form = parts(body, kind.decode("latin-1"))
    except AppError:
        return None
    if not form or not all(part.is_file and part.name == "file" for part in form):
        return None
    return [(part.filename, bytes(part.data)) for part in form]


PIECES = [
    *b'--edge -- edge - picture " ; : \\ %22 Content-Disposition Content-Type:a/b ;filename="8.png" \xe4 name='.split(),
    *[b'form-data; name="file"', b'; filename="8.png"', b"\r\nContent-Type: a/b", b"\r\n--edge", b"\r\n", b"\r", b"\n"],
    *[b" ", b"\t", b"\0", PART, WHOLE],
]


@pytest.mark.parametrize("seed", range(4))
def test_what_it_reads_is_what_the_library_reads(seed: int) -> None:
    """Forms with something cut out, put in, doubled or changed: ours is the library's answer, or none."""
    chance, read, left = random.Random(seed), 0, 0
    for _ in range(5000):
        body = bytearray(PART + b"1\r\n" + WHOLE if chance.random() < 0.5 else WHOLE)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            place = chance.randrange(len(body) + 1)
            match chance.randrange(3):
                case 0:
                    body[place:place] = chance.choice(PIECES)
                case 1:
                    del body[place : place + chance.randrange(1, 30)]
                case 2:
                    body[place : place + 1] = bytes([chance.randrange(256)])
        ours = files_of(EDGE, bytes(body), b"file", most=9)
        if ours is None:
            left += 1
        else:
            read += 1
            assert ours == library(EDGE, bytes(body)), bytes(body)
    assert read > 500 and left > 500


@pytest.mark.parametrize(
    "kind",
    [EDGE, EDGE.replace(b"; ", b";"), b"multipart/form-data; boundary=a'b_c-D9", EDGE.replace(b"edge", b"e" * 70)],
)
def test_boundaries_are_the_librarys(kind: bytes) -> None:
    body = WHOLE.replace(b"edge", kind.partition(b"=")[2])
    assert files_of(kind, body, b"file", most=1) == library(kind, body) == [("7.png", b"picture")]
