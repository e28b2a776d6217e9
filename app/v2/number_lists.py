"""Long lists of numbers in JSON, read piece by piece: a parser that takes them at once keeps every thread waiting for
as long, an eighth of a second for a full batch of digits.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import orjson

from app.errors import BadRequest
from app.v2.tensors import Numbers

_PIECE = 16 * 1024  # bytes, which are parsed in about half a millisecond
_KEY = b'"data"'
_OPENS = re.compile(rb"[ \t\n\r]*:[ \t\n\r]*\[")
_NUMBERS = re.compile(rb"[-+.0-9eE, \t\n\r\[\]]*")
_BRACKETS = re.compile(rb"[\[\]]")
_TO_BLANKS = bytes.maketrans(b"[]", b"  ")
_MOST_LISTS = 16  # that are looked for in one body
_DEEPEST = 8  # lists in lists, as a shape has dimensions
_LONGEST_NUMBER = 1024  # bytes
_BYTES_A_BRACKET = 4  # at least, on average: even rows of eight numbers have as many


@dataclass(frozen=True)
class Shortened:
    """A JSON text in which a name stands for each long list of numbers, and these lists, flat."""

    text: bytes
    lists: Mapping[str, Numbers]


def shortened(text: bytes) -> Shortened:
    """Takes the lists of numbers under the key `data` out of a text that is likely JSON; whatever is no such list stays
    where it is. How lists lie in lists is not looked at: they are flat afterwards. Raises BadRequest
    (`json_malformed`).
    """
    name = secrets.token_hex(8)  # which nobody can have written
    lists: dict[str, Numbers] = {}
    pieces, kept, at = [], 0, 0
    for _ in range(_MOST_LISTS):
        at = text.find(_KEY, at)
        if at < 0:
            break
        opened = _OPENS.match(text, at + len(_KEY))
        at += len(_KEY)
        if opened is None or text[at - len(_KEY) - 1 : at - len(_KEY)] == b"\\":
            continue
        found = _flat(text, opened.end())
        if found is not None:
            numbers, end = found
            key = f"{name}{len(lists)}"
            lists[key] = numbers
            pieces += [text[kept : opened.end() - 1], b'"%b"' % key.encode()]
            kept = at = end
    return Shortened(b"".join([*pieces, text[kept:]]), lists)


def _flat(text: bytes, start: int) -> tuple[Numbers, int] | None:
    """The numbers of a list that opens before `start`, and where it has ended; None where it has anything else."""
    found: list[Numbers] = []
    rest, depth, at = b"", 1, start
    while depth:
        piece = text[at : at + _PIECE]
        run = _NUMBERS.match(piece)
        assert run is not None, "it matches nothing too"
        depth, end = _closed(piece, run.end(), depth)
        if (end is None and (not piece or run.end() < len(piece))) or not 0 <= depth <= _DEEPEST:
            return None
        rest += (piece if end is None else piece[: end - 1]).translate(_TO_BLANKS)
        at += len(piece) if end is None else end
        cut = rest.rfind(b",") if depth else len(rest)
        if cut < 0:
            if len(rest) > _LONGEST_NUMBER:
                return None
            continue
        found.append(_parsed(rest[:cut], may_be_empty=not (depth or found)))
        rest = rest[cut + 1 :]
    return np.concatenate(found), at


def _closed(piece: bytes, end: int, depth: int) -> tuple[int, int | None]:
    """How deep one is after a piece, and where it closes the outermost list, if so."""
    if piece.count(b"[") + piece.count(b"]") > _DEEPEST + len(piece) // _BYTES_A_BRACKET:
        return -1, None
    for bracket in _BRACKETS.finditer(piece, 0, end):
        depth += 1 if bracket[0] == b"[" else -1
        if not depth:
            return 0, bracket.end()
    return depth, None


def _parsed(text: bytes, *, may_be_empty: bool) -> Numbers:
    try:
        numbers = orjson.loads(b"[%b]" % text)
    except orjson.JSONDecodeError:
        numbers = None
    if numbers is None or not (numbers or may_be_empty):
        raise BadRequest("json_malformed", "The body is no valid JSON. Let your HTTP library write it.")
    with np.errstate(over="ignore"):  # what is infinite in float32 is refused where its range is known
        return np.array(numbers, np.float32)
