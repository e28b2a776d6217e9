"""Hostile bytes: honest requests of every kind, cut anywhere, flipped, repeated, mixed, with lengths that lie."""

import base64
import gzip
import io
import itertools
import json
import random
import re
import zipfile
from dataclasses import dataclass

import numpy as np
from PIL import Image


def _picture() -> bytes:
    file = io.BytesIO()
    pixels = np.zeros((28, 28), np.uint8)
    pixels[6:22, 12:16] = 255
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


PNG = _picture()
_EDGE = b"edge-of-parts"


def _form(name: bytes, count: int) -> bytes:
    head = b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return b"".join(head % (_EDGE, name) + PNG + b"\r\n" for _ in range(count)) + b"--" + _EDGE + b"--\r\n"


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as whole:
        for name in ("1.png", "a/2.png", "notes.txt"):
            whole.writestr(name, PNG)
    return file.getvalue()


def _request(path: str, kind: str, body: bytes, *lines: str, chunks: int = 0) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", *lines]
    if not chunks:
        return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body
    size = -(-len(body) // chunks)
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    said = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return "\r\n".join([*head, "Transfer-Encoding: chunked", "", ""]).encode() + said + b"0\r\n\r\n"


def honest() -> list[bytes]:
    """Requests of every kind, each of which is answered with 200."""
    form = f"multipart/form-data; boundary={_EDGE.decode()}"
    batch = json.dumps({"instances": [{"b64": base64.b64encode(PNG).decode()}] * 2}).encode()
    get = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    raw = _request("/v1/predict", "image/png", PNG)
    return [
        raw,
        get,
        _request("/v1/predict", form, _form(b"file", 1)),
        _request("/v1/predict/batch", form, _form(b"files", 3)),
        _request("/v1/predict/batch", "application/json", batch),
        _request("/v1/predict/batch", "application/zip", _zip()),
        _request("/v1/predict", "image/png", gzip.compress(PNG), "Content-Encoding: gzip"),
        _request("/v1/predict", "image/png", PNG, chunks=4),
        _request("/v1/predict/batch", form, _form(b"files", 2), chunks=7),
        _request("/v1/predict", "image/png", PNG, "Expect: 100-continue"),
        _request("/v1/predict", "image/png", PNG, "Connection: Upgrade", "Upgrade: h2c"),
        get + raw + get,
        raw.replace(b"HTTP/1.1", b"HTTP/1.0"),
    ]


@dataclass(frozen=True)
class HostileBytes:
    """What one connection sends, and whether it says then that no more comes."""

    pieces: tuple[bytes, ...]
    ends: bool


def hostile(chance: random.Random) -> HostileBytes:
    """An honest request, or two, with something done to it."""
    requests = honest()
    data = b"".join(chance.choices(requests, k=chance.choice((1, 1, 1, 2, 3))))
    for _ in range(chance.choice((1, 1, 2, 4))):
        data = chance.choice(_DAMAGES)(data, chance)
    places = (chance.randrange(len(data) + 1) for _ in range(chance.choice((0, 1, 3, 20))))
    edges = itertools.pairwise([0, *sorted(places), len(data)])
    return HostileBytes(tuple(data[a:b] for a, b in edges), chance.random() < 0.5)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _flipped(data: bytes, chance: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(chance.choice((1, 2, 10)) if made else 0):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def _headers(data: bytes, chance: random.Random) -> bytes:
    """Repeated, in another order, without their values, or very many or long ones."""
    head, blank, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    if not lines:
        return data
    way = chance.randrange(6)
    if way == 0:
        lines.append(chance.choice(lines))
    elif way == 1:
        chance.shuffle(lines)
    elif way == 2:
        lines += [b"X-%d: y" % number for number in range(chance.choice((50, 150)))]
    elif way == 3:
        lines.append(b"X-Long: " + b"y" * chance.choice((1000, 31_000, 40_000, 300_000)))
    elif way == 4:
        lines.remove(chance.choice(lines))
    else:
        first = first.replace(b" /", b" /" + b"%2e/" * chance.choice((10, 5000)), 1)
    return b"\r\n".join([first, *lines]) + blank + rest


_LENGTHS = (b"0", b"-1", b"+5", b"5", b"1e3", b"99999999999", b"9" * 40, b"", b"5, 5", b"0x10", b" 7 ")


def _lengths(data: bytes, chance: random.Random) -> bytes:
    """Lengths that are wrong, double, or together with chunks: what requests are smuggled with."""
    line = b"Content-Length: " + chance.choice(_LENGTHS)
    extra = chance.choice((b"", b"\r\nTransfer-Encoding: chunked", b"\r\nTransfer-Encoding: identity, chunked"))
    if chance.random() < 0.5:
        return re.sub(rb"Content-Length: [^\r]*", lambda _: line + extra, data, count=1)
    return data.replace(b"\r\nHost", b"\r\n" + line + extra + b"\r\nHost", 1)


_SIZES = (
    b"-5",
    b"zz",
    b"f" * 17,
    b"ffffffff",
    b"0",
    b"00000000005",
    b"5;" + b"x" * 200,
    b"5;" + b"x" * 70_000,
    b"5 ",
    b"",
)


def _chunks(data: bytes, chance: random.Random) -> bytes:
    size = chance.choice(_SIZES)
    return re.sub(rb"\r\n[0-9a-f]+\r\n", lambda _: b"\r\n" + size + b"\r\n", data, count=chance.choice((1, 2)))


def _inserted(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    odd = (b"\r\n", b"\r\n\r\n", b"\n", b"\0", b"\xff" * 30, b" ", chance.randbytes(100), b"0\r\n\r\n", b"X: y\r\n")
    return data[:at] + chance.choice(odd) * chance.choice((1, 1, 100)) + data[at:]


def _whole(data: bytes, chance: random.Random) -> bytes:
    return data


_DAMAGES = (_cut, _cut, _flipped, _headers, _lengths, _chunks, _inserted, _whole)
