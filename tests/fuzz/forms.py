"""Forms as nobody writes them: odd boundaries, names and headers, parts in parts, cut off, flipped, other line ends.
Each is as it should be in all but up to three ways."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.fuzz.bodies import PNG

_BOUNDARIES = st.sampled_from((b"--", b"-", b"a" * 70, b"a" * 71, b"edge'_-")) | st.text(
    "0123456789abcXYZ'()+_,-./:=?", min_size=1, max_size=70
).map(str.encode)
_NAMES = (
    "files", "file", "label", "model", "purpose", "read_as", "", "FILE", "f\u00e9le", 'f"ile', "file\r\n",
    "file;x", "7",
)  # fmt: skip
_FILES = (
    "a b.png", "", "../../etc/passwd", "\u4e03.png", 'a"b.png', "a\\b.png", "%37.png", "a" * 300, "7.png\x00", ";",
    "(1)._-",
)  # fmt: skip
_LINES = (
    b"Content-Type: text/plain", b"content-type:image/png", b"Content-Type: multipart/mixed; boundary=edge",
    b"Content-Transfer-Encoding: base64", b"Content-Type:", b": x", b"X", b"Content-Length: 3",
    b"X-Long: " + b"y" * 5000,
    b"Content-Disposition: form-data; name=label", b" folded", b"\xff: \xff",
)  # fmt: skip
_DISPOSITIONS = (
    b"", b"Content-Disposition: form-data", b"Content-Disposition: attachment",
    b'Content-Disposition: form-data; name="file"',
    b"Content-Disposition: form-data; name=file; filename=7.png",
    b"content-disposition:form-data;name=file;filename=7.png",
    b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%37.png",
)  # fmt: skip
_CONTENTS = st.sampled_from((b"", b"7", b"\r\n", b"\r\n--edge", b"--edge--\r\n", b"\r\n--", PNG[:-9])) | st.binary(
    max_size=60
)
_DAMAGES = ("cut", "flipped", "doubled", "lf", "cr", "no_end", "epilogue", "prologue", "repeated")
_KINDS = (
    b'multipart/form-data; boundary="%b"', b"multipart/form-data;boundary=%b", b"Multipart/Form-Data; Boundary=%b",
    b"multipart/form-data; charset=utf-8; boundary=%b", b"multipart/form-data; boundary=%bx", b"multipart/form-data",
)  # fmt: skip
_ASPECTS = ("boundary", "name", "filename", "lines", "disposition", "content", "count", "nested", "damage", "kind")


@dataclass(frozen=True)
class SentForm:
    """A body and its Content-Type. It says what it is made of where one is found at which something breaks."""

    kind: bytes
    body: bytes


@st.composite
def _part(draw: st.DrawFn, name: str, odd: frozenset[str]) -> bytes:
    """The head and the content of one part, which is as it should be in all but what is odd."""
    named = draw(st.sampled_from(_NAMES)) if "name" in odd else name
    filename = draw(st.sampled_from(_FILES)) if "filename" in odd else "7.png"
    disposition = f'Content-Disposition: form-data; name="{named}"; filename="{filename}"'.encode()
    if "disposition" in odd:
        disposition = draw(st.sampled_from(_DISPOSITIONS))
    lines = [disposition, *draw(st.sampled_from(((), (b"Content-Type: image/png",))))]
    if "lines" in odd:
        lines += draw(st.lists(st.sampled_from(_LINES), min_size=1, max_size=draw(st.sampled_from((1, 2, 20)))))
    content = draw(_CONTENTS) if "content" in odd else PNG
    return b"\r\n".join(line for line in lines if line) + b"\r\n\r\n" + content


def _joined(boundary: bytes, parts: list[bytes]) -> bytes:
    return b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts) + b"--%b--\r\n" % boundary


@st.composite
def _forms(draw: st.DrawFn) -> SentForm:
    odd = draw(st.frozensets(st.sampled_from(_ASPECTS), max_size=3))
    boundary = draw(_BOUNDARIES) if "boundary" in odd else b"edge"
    name = draw(st.sampled_from(("file", "files")))
    parts = [draw(_part(name, odd)) for _ in range(draw(st.integers(0, 4)) if "count" in odd else 1)]
    if "nested" in odd and parts:
        inner = draw(st.sampled_from((boundary, b"inner", boundary + b"x", boundary[:-1] or b"x")))
        parts[0] += _joined(inner, [draw(_part(name, odd))])
    how = draw(st.sampled_from(_DAMAGES)) if "damage" in odd else "none"
    body = _damaged(_joined(boundary, parts), boundary, how, draw(st.integers(0, 10**6)))
    way = draw(st.sampled_from(_KINDS)) if "kind" in odd else b"multipart/form-data; boundary=%b"
    return SentForm(way % boundary if b"%b" in way else way, body)


def _damaged(body: bytes, boundary: bytes, how: str, place: int) -> bytes:
    place %= max(1, len(body))
    match how:
        case "cut":
            return body[:place]
        case "flipped":
            return body[:place] + bytes([body[place] ^ 1 << place % 8]) + body[place + 1 :] if body else body
        case "doubled":
            return body + body
        case "lf":
            return body.replace(b"\r\n", b"\n")
        case "cr":
            return body.replace(b"\r\n", b"\r")
        case "no_end":
            return body.removesuffix(b"--\r\n")
        case "epilogue":
            return body + b"bye\r\n--" + boundary
        case "prologue":
            return b"hello\r\n" + body
        case "repeated":
            return body.replace(b"--" + boundary, b"--" + boundary + b"\r\n--" + boundary, 1)
        case _:
            return body


FORMS: st.SearchStrategy[SentForm] = _forms()
