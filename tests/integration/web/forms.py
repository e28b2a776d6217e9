"""Forms, good and bad, for the routes that predict."""

from io import BytesIO
from zipfile import ZipFile

import numpy as np

from tests.integration.web.sent import EDGE, HUGE, MANY, NOISE, PAGE, SEVEN, batch, bounded, drawn, form, part, request
from tests.support.pictures import png

_NAMES = """
; filename="a b.png"
; filename="a\\"b.png"
; filename="\u4e03.png"
; filename="%37.png"
; filename=7.png
; filename*=UTF-8''%37.png
; filename="7.png"; filename*=UTF-8''x.png
; filename=""

; filename="..\\x.png"
; filename="../x.png"
; filename="(1)._-"
;filename="7.png"
; FILENAME="7.png"
; filename="7.png";
; filename="7.png"; size=3
; filename="7\t.png"
"""
NAMES = [
    *_NAMES.strip("\n").split("\n"),
    *[f'; filename="{"a" * count}"' for count in (199, 200, 201)],
    '; filename="7.png" ',
]
FORMS = {
    "plain": form(),
    "quoted boundary": form(kind=b'multipart/form-data; boundary="edge"'),
    "no space": form(kind=b"multipart/form-data;boundary=edge"),
    "two spaces": form(kind=b"multipart/form-data;  boundary=edge"),
    "a tab": form(kind=b"multipart/form-data;\tboundary=edge"),
    "capitals": form(kind=b"Multipart/Form-Data; Boundary=edge"),
    "another boundary": form(kind=b"multipart/form-data; boundary=Edge"),
    "no boundary": form(kind=b"multipart/form-data"),
    "an empty boundary": form(kind=b"multipart/form-data; boundary="),
    "charset behind": form(kind=EDGE + b"; charset=utf-8"),
    "charset before": form(kind=b"multipart/form-data; charset=utf-8; boundary=edge"),
    "prologue": form(b"hello\r\n", part()),
    "an empty line before": form(b"\r\n", part()),
    "epilogue": form(end=b"--edge--\r\nbye"),
    "a line behind": form(end=b"--edge--\r\n\r\n"),
    "no last line": form(end=b"--edge--"),
    "half a last line": form(end=b"--edge--\r"),
    "one dash": form(end=b"--edge-"),
    "no end": form(end=b""),
    "padding": form(part().replace(b"--edge\r\n", b"--edge  \r\n")),
    "padding at the end": form(end=b"--edge--  \r\n"),
    "bare newlines": form(part().replace(b"\r\n", b"\n"), end=b"--edge--\n"),
    "two files": form(part(), part()),
    "an empty file": form(part(b"")),
    "an empty file, no last line": form(part(b""), end=b"--edge--"),
    "no parts": form(b"", end=b"--edge--\r\n"),
    "nothing": form(b"", end=b""),
    "edge inside": form(part(b"--edge" + SEVEN)),
    "a line like edge inside": form(part(SEVEN + b"\r\n--edges\r\n")),
    "the edge inside": form(part(SEVEN + b"\r\n--edge")),
    "the end inside": form(part(SEVEN + b"\r\n--edge--")),
    "the end inside, and a line": form(part(SEVEN + b"\r\n--edge--\r\n")),
    "a part inside": form(part(SEVEN + b"\r\n" + part(SEVEN)[:-2])),
    "a picture that ends in newlines": form(part(SEVEN + b"\r\n\r\n")),
    "another field": form(part(name="image")),
    "the batch's field": form(part(name="files")),
    "capital field": form(part(name="FILE")),
    "an empty field": form(part(name="")),
    "a text": form(part(b"7", said="", more=b"")),
    "a text beside": form(part(), part(b"7", "label", "", b"")),
    "a text before": form(part(b"7", "label", "", b""), part()),
    "a text called model": form(part(), part(b"digits", "model", "", b"")),
    "a text called file": form(part(), part(b"7", "file", "", b"")),
    "a file beside": form(part(), part(name="other")),
    "no type": form(part(more=b"")),
    "type of text": form(part(more=b"\r\nContent-Type: text/plain")),
    "type with charset": form(part(more=b"\r\nContent-Type: image/png; charset=x")),
    "type first": form(part().replace(b"Content-Disposition", b"Content-Type: image/png\r\nContent-Disposition")),
    "no disposition": form(part().replace(b"Content-Disposition", b"X-Disposition")),
    "small letters": form(part().replace(b"Content-Disposition", b"content-disposition")),
    "attachment": form(part().replace(b"form-data", b"attachment")),
    "Form-Data": form(part().replace(b"form-data", b"Form-Data")),
    "name behind": form(part().replace(b'name="file"; filename="7.png"', b'filename="7.png"; name="file"')),
    "name unquoted": form(part().replace(b'name="file"', b"name=file")),
    "one more line": form(part(more=b"\r\nContent-Type: image/png\r\nX-Mine: 1")),
    "nine more lines": form(part(more=b"\r\nX-Mine: 1" * 9)),
    "base64": form(part(more=b"\r\nContent-Transfer-Encoding: base64")),
    "a folded line": form(part(more=b"\r\nContent-Type:\r\n image/png")),
    "a page": form(part(PAGE)),
    "rubbish": form(part(b"rubbish")),
    "over 64 KiB": form(part(png(NOISE))),
    "a long boundary": bounded(b"e" * 70),
    "too long a boundary": bounded(b"e" * 71),
    "odd letters": bounded(b"a'b_c-"),
    "odder letters": bounded(b"a+b/c"),
}


def zipped() -> bytes:
    with ZipFile(held := BytesIO(), "w") as archive:
        archive.writestr("7.png", SEVEN)
        archive.writestr("notes.txt", "x")
    return held.getvalue()


BATCHES = {
    "one": batch(SEVEN),
    "five": batch(*map(drawn, range(5))),
    "six": batch(*map(drawn, range(6))),
    "256": batch(*[drawn(place % 10) for place in range(256)]),
    "257": batch(*[SEVEN] * 257),
    "bad ones among": batch(
        SEVEN, b"rubbish", PAGE, b"", HUGE, SEVEN[:-30], drawn(3), png(np.zeros((28, 28), np.uint8))
    ),
    "one bad": batch(b"rubbish"),
    "an empty one": batch(SEVEN, b"", SEVEN),
    "nothing but empty": batch(b"", b""),
    "pages": batch(PAGE, PAGE),
    "prepared": batch(SEVEN, PAGE, b"x", query="?prepared=true"),
    "top_k": batch(SEVEN, drawn(2), query="?top_k=2&model=digits@1"),
    "explain": batch(SEVEN, query="?explain=true"),
    "no model": batch(SEVEN, query="?model=nope"),
    "bad model": batch(SEVEN, query="?model=-"),
    "top_k=0": batch(SEVEN, query="?top_k=0"),
    "the other field": form(part(), target=MANY),
    "both fields": form(part(name="files"), part(), target=MANY),
    "a text beside": form(part(name="files"), part(b"7", "label", "", b""), target=MANY),
    "no files": form(b"", target=MANY),
    "zip": request(MANY, zipped(), b"application/zip"),
    "JSON": request(MANY, b'{"instances": [{"b64": "aGVsbG8="}]}', b"application/json"),
    "raw": request(MANY),
    "two of one name": form(part(name="files"), part(drawn(1), "files"), target=MANY),
    "a name in UTF-8": form(part(name="files"), part(drawn(1), "files", '; filename="\u4e03.png"'), target=MANY),
    "no name": form(part(name="files", said='; filename=""'), target=MANY),
    "no end": form(part(name="files"), target=MANY, end=b""),
    "long names": form(*[part(SEVEN, "files", f'; filename="{"a" * n}"') for n in (199, 200, 201)], target=MANY),
}
