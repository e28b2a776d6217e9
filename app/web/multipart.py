"""Splits multipart bodies (RFC 7578), whole or piece by piece as they come."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import BadRequest, Unprocessable
from models_store.text import listed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MAX_PARTS = 1000
_LONGEST_TYPE = 1000  # characters of a Content-Type that are looked at
_TEXTS = ("text/plain", "application/json")  # types that libraries give to texts: .NET, Apache HttpClient, Spring
_EXTENDED = re.compile(
    r"filename\*=(utf-8|iso-8859-1)'[^']*'([^;\s]*)", re.IGNORECASE
)  # RFC 8187: older libraries' way
_MALFORMED = "The multipart body is malformed. Let your HTTP library build it from the file."


@dataclass
class Part:
    """One part of a multipart body. Its file name is shown, and never used for anything else."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytes | bytearray = b""

    @cached_property
    def disposition(self) -> dict[bytes, bytes]:
        """The parameters of Content-Disposition: `name`, and `filename` where it is a file."""
        return parse_options_header(self.headers.get("content-disposition"))[1]

    @property
    def name(self) -> str:
        return _text(self.disposition.get(b"name", b""))

    @property
    def filename(self) -> str:
        """What the client calls the file, empty where it does not say."""
        extended = _EXTENDED.search(self.headers.get("content-disposition", ""))
        if extended and b"filename" not in self.disposition:
            return unquote(extended[2], extended[1], "replace")
        return _text(self.disposition.get(b"filename", b""))

    @property
    def is_file(self) -> bool:
        """Whether it has a file's name, or is of a type that no text has."""
        if b"filename" in self.disposition or "filename*" in self.headers.get("content-disposition", ""):
            return True
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return bool(kind) and kind not in _TEXTS


def without_file(found: Iterable[Part], wanted: str, what: str = "picture") -> Unprocessable:
    """The refusal of a form without the file `wanted`: it names what came."""
    names = [part.name for part in found]
    if wanted in names:
        why = f"The field `{wanted}` came as a text. Send it as a file: curl's -F {wanted}=@NAME does"
    elif names:
        why = f"The form has {listed(names)}, and no `{wanted}`. Send the {what} as the field `{wanted}`"
    else:
        why = f"There is no {what} in the request. Send it as the field `{wanted}`"
    return Unprocessable("file_missing", f"{why}.", wanted)


def parts(body: bytes, content_type: str) -> list[Part]:
    """Splits a whole multipart body. Raises BadRequest where it is malformed or has over 1,000 parts."""
    form = _WholeForm(content_type, body)
    form.end()
    return form.parts


class Multipart:
    """A multipart body (RFC 7578) that comes piece by piece; it keeps the headers of its parts, not their content."""

    def __init__(self, content_type: str, on_data: Callable[[Part, bytes], None], max_parts: int = _MAX_PARTS) -> None:
        """`on_data` hears of each part's content as it comes. Raises BadRequest for a Content-Type without boundary."""
        short = content_type[:_LONGEST_TYPE]  # a boundary has at most 70 characters (RFC 2046, 5.1.1)
        boundary = parse_options_header(short)[1].get(b"boundary")
        if not boundary:
            raise BadRequest("multipart_malformed", "The Content-Type names no boundary. Let your HTTP library set it.")
        self.parts: list[Part] = []
        self._on_data = on_data
        self._max_parts = max_parts
        self._begun = self._ended = False
        self._field = bytearray()
        self._value = bytearray()
        with _well_formed():
            self._parser = MultipartParser(boundary, self._callbacks())

    def feed(self, piece: bytes) -> None:
        """Reads on. Raises BadRequest where it is malformed or has too many parts."""
        self._begun = self._begun or bool(piece)
        with _well_formed():
            self._parser.write(piece)

    def end(self) -> None:
        """Says that no more comes. Raises BadRequest where that is too early; a body of no bytes has no parts."""
        with _well_formed():
            self._parser.finalize()
        if self._begun and not self._ended:
            raise BadRequest(
                "multipart_malformed", "The multipart body ends before its final boundary. Send all of it."
            )

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) == self._max_parts:
            raise BadRequest("too_many_parts", f"The body has more than {self._max_parts} parts. Send fewer at a time.")
        self.parts.append(Part())

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._on_data(self.parts[-1], data[start:end])

    def _header(self) -> None:
        name, value = self._field.decode("latin-1").lower(), self._value.decode("latin-1")
        self.parts[-1].headers[name] = value
        self._field.clear()
        self._value.clear()

    def _end(self) -> None:
        self._ended = True


class _WholeForm(Multipart):
    """A body that is there already: each part's content is copied out of it once."""

    def __init__(self, content_type: str, body: bytes) -> None:
        """Raises BadRequest."""
        self._places: list[tuple[int, int]] = []
        super().__init__(content_type, lambda part, piece: None)
        self.feed(body)
        for part, (start, end) in zip(self.parts, self._places, strict=True):
            part.data = body[start:end]

    def _begin(self) -> None:
        super()._begin()
        self._places.append((0, 0))

    def _data(self, data: bytes, start: int, end: int) -> None:
        first, last = self._places[-1]
        assert start == last or first == last, "a part's content stands in one place"
        self._places[-1] = (start if first == last else first), end


def _text(raw: bytes) -> str:
    """Browsers and libraries write UTF-8 (HTML, multipart/form-data); what is none still has a name."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


@contextmanager
def _well_formed() -> Iterator[None]:
    try:
        yield
    except FormParserError:
        raise BadRequest("multipart_malformed", _MALFORMED) from None
