"""Bodies that come as gzip, and as what is none."""

import gzip
import itertools
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from app.errors import AppError, BadRequest, UnsupportedMediaType
from app.web.encoding import Unpacked, coding_of, read_at, unpacked_scope

TEXT = bytes(range(256)) * 40
PACKED = gzip.compress(TEXT)


def receiving(chunks: Sequence[bytes], after: Sequence[Message] = ()) -> Receive:
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]
    left = [*messages, *after]

    async def receive() -> Message:
        return left.pop(0)

    return receive


async def pieces(*chunks: bytes) -> list[bytes]:
    request = Request({"type": "http"}, Unpacked(receiving(chunks)))
    return [piece async for piece in request.stream() if piece]


async def refused(*chunks: bytes) -> str:
    try:
        await pieces(*chunks)
    except AppError as refusal:
        assert isinstance(refusal, BadRequest) and str(refusal).endswith(".")
        return refusal.code
    raise AssertionError("it was read")


@given(st.lists(st.integers(0, len(PACKED)), max_size=8))
async def test_it_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(PACKED)]
    chunks = [PACKED[a:b] for a, b in itertools.pairwise(edges)]
    assert b"".join(await pieces(*chunks)) == TEXT


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 262_144 + 258, 3 * 262_144])
async def test_every_byte_comes_out_of_little(size: int) -> None:
    found = await pieces(gzip.compress(bytes(size)))
    assert sum(map(len, found)) == size and max(map(len, found), default=0) <= 262_144


async def test_members_one_behind_the_other_are_one_body() -> None:
    members = [gzip.compress(part) for part in (b"one", b"", TEXT, b"four")]
    assert b"".join(await pieces(b"".join(members))) == b"one" + TEXT + b"four"
    assert b"".join(await pieces(*members)) == b"one" + TEXT + b"four"


async def test_no_bytes_are_an_empty_body() -> None:
    assert await pieces(b"") == []


@pytest.mark.parametrize(
    "body",
    [
        PACKED[:-1], PACKED[:-8], PACKED[:50], PACKED[:1], TEXT, zlib.compress(TEXT), PACKED + b"rubbish",
        PACKED[:200] + bytes(4) + PACKED[204:], PACKED[:-8] + bytes(8), PACKED + PACKED[:-3],
    ],
    ids=["cut by a byte", "no digest", "cut", "one byte", "no gzip", "zlib", "rubbish behind", "damaged",
         "wrong digest", "second member cut"],
)  # fmt: skip
async def test_what_is_no_whole_gzip_is_said(body: bytes) -> None:
    assert await refused(body) == "gzip_malformed"
    assert await refused(*(body[n : n + 1] for n in range(len(body)))) == "gzip_malformed"


async def test_members_without_number_are_refused() -> None:
    assert await refused(gzip.compress(b"") * 10_001) == "gzip_malformed"


async def test_a_client_that_leaves_is_noticed_before_the_end_and_after_it() -> None:
    gone: Message = {"type": "http.disconnect"}
    half: Message = {"type": "http.request", "body": PACKED[:50], "more_body": True}
    with pytest.raises(ClientDisconnect):
        await Request({"type": "http"}, Unpacked(receiving([], [half, gone]))).body()
    unpacked = Unpacked(receiving([PACKED], [gone]))
    assert await Request({"type": "http"}, unpacked).body() == TEXT
    assert await unpacked() == gone


def scope(*values: str) -> Scope:
    headers = [(b"content-encoding", value.encode("latin-1")) for value in values]
    return {"type": "http", "headers": [(b"content-length", b"7"), *headers, (b"x", b"y")]}


@pytest.mark.parametrize("values", [["gzip"], ["GZIP "], ["x-gzip"], ["identity, gzip"], ["identity", "gzip"]])
def test_gzip_has_several_spellings(values: list[str]) -> None:
    assert coding_of(scope(*values)) == "gzip"


@pytest.mark.parametrize("values", [[], [""], ["identity"], [" Identity , identity"]])
def test_a_body_as_it_is_has_too(values: list[str]) -> None:
    assert coding_of(scope(*values)) is None


@pytest.mark.parametrize(
    "values",
    [["br"], ["deflate"], ["zstd"], ["gzip, gzip"], ["gzip", "gzip"], ["gzip, br"], ["UTF-8"], ["\x1b[2J\xff" * 99]],
)
def test_any_other_is_named_and_refused(values: list[str]) -> None:
    with pytest.raises(UnsupportedMediaType, match="Send the body as it is or as gzip") as caught:
        coding_of(scope(*values))
    assert caught.value.code == "unsupported_content_encoding"
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300
    assert values[0].startswith("\x1b") or values[0] in str(caught.value).replace("utf-8", "UTF-8")


def at(path: str, *values: str) -> Scope:
    return {**scope(*values), "path": path}


def test_deflate_is_read_at_the_door_whose_clients_send_it() -> None:
    assert coding_of(at("/v2/models/digits/infer", "deflate")) == "deflate"
    assert coding_of(at("/v2/models/digits/infer", "x-gzip")) == "gzip"
    assert read_at(at("/v2")) == ("identity", "gzip", "deflate") and read_at(at("/v1/predict")) == ("identity", "gzip")
    for path, value in (("/v1/predict", "deflate"), ("/v2", "br"), ("/v2", "deflate, gzip")):
        with pytest.raises(UnsupportedMediaType) as caught:
            coding_of(at(path, value))
        assert ("gzip or deflate" in str(caught.value)) is (path == "/v2")


@given(st.lists(st.integers(0, 40), max_size=8))
async def test_deflate_is_zlibs_format_however_it_is_cut(cuts: list[int]) -> None:
    packed = zlib.compress(TEXT)
    edges = [0, *sorted(cuts), len(packed)]
    chunks = [packed[a:b] for a, b in itertools.pairwise(edges)]
    assert await Request({"type": "http"}, Unpacked(receiving(chunks), "deflate")).body() == TEXT


@pytest.mark.parametrize("body", [zlib.compress(TEXT)[:-1], TEXT, PACKED, zlib.compress(TEXT) + b"rubbish"])
async def test_what_is_no_whole_deflate_is_said(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        await Request({"type": "http"}, Unpacked(receiving([body]), "deflate")).body()
    assert caught.value.code == "deflate_malformed"


def test_what_is_unpacked_says_nothing_of_its_length_on_the_way() -> None:
    assert unpacked_scope(scope("gzip"))["headers"] == [(b"x", b"y")]
