"""Requests to the routes that predict, good and bad: what each is, and its bytes."""

import gzip

from tests.integration.web.forms import BATCHES, FORMS, NAMES
from tests.integration.web.sent import (
    EDGE,
    MANY,
    ONE,
    SEVEN,
    form,
    part,
    pictures,
    request,
)

KINDS = [
    *(
        b"application/octet-stream|image/jpeg|image/PNG|IMAGE/png|image/png; charset=binary|image/|image|image/svg+xml"
        b"|image/x-y.z| image/png |application/octet-stream;x|text/plain|application/json|application/zip|"
        b"im\xe4ge/png||application/x-www-form-urlencoded|multipart/mixed; boundary=edge"
    ).split(b"|"),
    None,
]
_QUERIES = """
model=digits model=digits@1 model=digits@champion model=digits@9 model=digits@previous model=nope model=../../x model=
model=%64igits model=A model=digits@ model=digits@@1 model=digits@01 model=a+b model=- model=digits%40champion
model=\u00e4 model=digits%00 m%6Fdel=digits Model=digits model[]=digits model=digits&model=digits@9
model=digits&top_k=2&prepared=true top_k=0 top_k=1 top_k=3 top_k=1000 top_k=1001 top_k=abc top_k=01 top_k=0001
top_k=00001 top_k=+1 top_k=%2B1 top_k=-1 top_k=1.0 top_k=1.5 top_k= top_k top_k=1_0 top_k=%31 top_k=1e1
top_k=99999999999999999999 top_k=1&top_k=1 top_k=1;model=nope top_k=2&model=nope top_k=0&model=nope top_k=1&
top_k=1%26model=nope top_k=1#x top_k==1 & &&top_k=1 =1 unknown=1 UNKNOWN=1 prepared=true prepared=false prepared=1
prepared=0 prepared=yes prepared=on prepared=TRUE prepared=True prepared=t prepared= prepared=2 prepared explain=true
explain=false explain=TRUE explain=no explain=maybe explain=true&model=nope
"""
QUERIES = [
    *_QUERIES.split(),
    *("a" * 21 + "=1", "model=" + "a" * 63, "model=" + "a" * 201, "&".join(["top_k=1"] * 101), "&".join(["x=1"] * 100)),
    "&".join(f"p{i}=1" for i in range(101)),
]
GZIP = b"Content-Encoding: gzip"
CHUNKED = b"\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
    len(SEVEN),
    SEVEN,
)
WIRE = {
    "gzip": request(ONE, gzip.compress(SEVEN), b"image/png", GZIP),
    "no gzip": request(ONE, SEVEN, b"image/png", GZIP),
    "deflate": request(ONE, SEVEN, b"image/png", b"Content-Encoding: deflate"),
    "identity": request(ONE, SEVEN, b"image/png", b"Content-Encoding: identity"),
    "chunked": b"POST /v1/predict HTTP/1.1\r\nHost: x" + CHUNKED,
    "a form in gzip": request(ONE, gzip.compress(part()), EDGE, GZIP),
    "expects": request(ONE, SEVEN, b"image/png", b"Expect: 100-continue"),
    "expects, with a bad query": request(f"{ONE}?top_k=0", SEVEN, b"image/png", b"Expect: 100-continue"),
    "expects, with a bad model": request(f"{ONE}?model=-", SEVEN, b"image/png", b"Expect: 100-continue"),
    "expects something": request(ONE, SEVEN, b"image/png", b"Expect: wonders"),
    "too short": request(length=20),
    "a plus": request(length=f"+{len(SEVEN)}"),
    "zeros": request(length=f"000{len(SEVEN)}"),
    "many zeros": request(length=f"0000000{len(SEVEN)}"),
    "over the cap": request(length=10**9),
    "no number": request(length="x"),
    "two lengths": request(ONE, SEVEN, b"image/png", b"Content-Length: %d" % len(SEVEN)),
    "none": request(length=""),
    "an id": request(ONE, SEVEN, b"image/png", b"X-Request-ID: mine-1"),
    "a bad id": request(ONE, b"x", b"image/png", b"X-Request-ID: a b"),
    "two ids": request(ONE, SEVEN, b"image/png", b"X-Request-ID: a", b"X-Request-ID: b"),
    "an empty id": request(ONE, b"", b"image/png", b"X-Request-ID:"),
    "an id of a refusal": request(ONE, b"x", b"image/png", b"X-Request-ID: mine-1"),
    "two types": request(ONE, SEVEN, b"image/png", b"Content-Type: text/plain"),
    "close": request(ONE, SEVEN, b"image/png", b"Connection: close"),
    "accepts": request(ONE, SEVEN, b"image/png", b"Accept: text/html", b"Accept-Encoding: gzip", b"Origin: http://x"),
    "a foreign page": request(ONE, SEVEN, b"image/png", b"Origin: http://y"),
    "1.0": request().replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "no host": request().replace(b"Host: x\r\n", b""),
    "a name in capitals": request().replace(b"Content-Type", b"CONTENT-TYPE"),
    "two hosts": request(ONE, SEVEN, b"image/png", b"Host: x"),
    "a foreign host": request().replace(b"Host: x", b"Host: y.example"),
    "whole address": request("http://x/v1/predict"),
    "another whole address": request("http://y/v1/predict"),
    "no length": b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n\r\n",
    "a slash behind": request(ONE + "/"),
    "two slashes": request("/" + ONE),
    "escaped": request("/v1/pre%64ict"),
    "an empty query": request(ONE + "?"),
} | {
    f"{method} {target}": request(target, b"", None, method=method)
    for method in ("GET", "HEAD", "PUT", "OPTIONS", "DELETE")
    for target in (ONE, MANY)
}
TOO_LONG = {  # the client says that nothing more comes, and it is less than was said
    "a raw body": request(length=len(SEVEN) + 9),
    "a form": request(ONE, part() + b"--edge--\r\n", EDGE, length=2000),
    "nothing": request(ONE, b"", length=9),
    "with a bad query": request(f"{ONE}?top_k=0", length=len(SEVEN) + 9),
}


def all_of_them() -> dict[str, bytes]:
    """What each is, and its bytes."""
    found = {f"picture: {name}": request(body=body) for name, body in pictures()}
    found |= {f"type {kind!r}": request(ONE, SEVEN, kind) for kind in KINDS}
    found |= {f"query {query[:40]} {len(query)}": request(f"{ONE}?{query}") for query in QUERIES}
    found |= {f"form: called {said[:30]} {len(said)}": form(part(said=said)) for said in NAMES}
    for group, requests in (("form", FORMS), ("batch", BATCHES), ("wire", WIRE)):
        found |= {f"{group}: {name}": sent for name, sent in requests.items()}
    return found
