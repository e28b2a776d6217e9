"""The direct way to a route: a request that is written as most are is taken apart here, quickly. Of whatever is unusual
about one, this module says None; then it goes the framework's way, which has an answer to everything.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import Scope

_PARAMETER = re.compile(r"([a-z_]{1,20})=([A-Za-z0-9@._-]{1,200})")
_RAW = re.compile(rb"image/[a-z0-9.+-]{1,40}|application/octet-stream")
_FORM = re.compile(rb"multipart/form-data; ?boundary=([0-9A-Za-z'_-]{1,70})")
_PART = re.compile(
    rb'\r\nContent-Disposition: form-data; name="([a-z]{1,20})"; filename="([A-Za-z0-9._()-]{1,200})"'
    rb"(?:\r\nContent-Type: [a-z]{1,20}/[a-z0-9.+-]{1,80})?\r\n\r\n",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Sent:
    """A request whose body is whole."""

    scope: Scope
    kind: bytes  # its Content-Type
    body: bytes


Take = Callable[[Sent], Awaitable[bytes | None]]  # gives the JSON of an answer
Direct = Callable[[bytes], Take | None]  # by the query, before anything is read; None, of both: it is for the framework


def query_of(query: bytes) -> dict[str, str] | None:
    """The parameters of an address, in which nothing is escaped and none comes twice."""
    found: dict[str, str] = {}
    for text in query.decode("latin-1").split("&") if query else ():
        parameter = _PARAMETER.fullmatch(text)
        if parameter is None or parameter[1] in found:
            return None
        found[parameter[1]] = parameter[2]
    return found


def picture_of(sent: Sent) -> bytes | None:
    """The one picture of a request: its whole body, or the file `file` of a form that has nothing else."""
    if _RAW.fullmatch(sent.kind):
        return sent.body or None
    files = files_of(sent.kind, sent.body, b"file", most=1)
    return files[0][1] or None if files else None


def files_of(kind: bytes, body: bytes, name: bytes, most: int) -> list[tuple[str, bytes]] | None:
    """What the files of a form are called, and their content, in order: all are the field `name`, and there is nothing
    else (RFC 7578; RFC 2046, 5.1.1). `kind` is the form's Content-Type.
    """
    form = _FORM.fullmatch(kind)
    if form is None:
        return None
    delimiter = b"\r\n--" + form[1]
    if not body.startswith(delimiter[2:]):
        return None
    place = len(delimiter) - 2
    found: list[tuple[str, bytes]] = []
    while len(found) < most:
        head = _PART.match(body, place)
        end = body.find(delimiter, head.end()) if head is not None else -1
        if head is None or end < 0 or head[1] != name:
            return None
        found.append((head[2].decode(), body[head.end() : end]))
        place = end + len(delimiter)
        if body.startswith(b"--", place):
            return found if body[place + 2 :] in (b"", b"\r\n") else None
    return None
