"""JSON lines `{"image": base64, "label": "7"}` -> rows; a `split` in them names the part."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from models_store.datasets.base64_text import decoded
from models_store.datasets.lines import Lines
from models_store.datasets.rows import Refused, Row, RowRejected, Split, label_of
from models_store.datasets.splits import split_called
from models_store.text import listed

_MARK = "\ufeff"  # a byte order mark: files that were joined have one in the middle
_LONGEST_INTEGER = 64  # digits: no label is longer, and reading longer ones takes quadratic time


def rows(file: BinaryIO) -> Iterator[Row | Refused]:
    """The file's rows in order, blank lines left out."""
    with Lines(file) as lines:
        while True:
            where = f"line {lines.number + 1}"
            try:
                line = next(lines, None)
                if line is None:
                    return
                if line.strip():
                    yield _row(where, _object(line))
            except RowRejected as refusal:
                yield refusal.at(where)


def _object(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line.removeprefix(_MARK), parse_int=_integer, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise RowRejected("row_malformed", "The line is no valid JSON. Let a JSON library write it.") from None
    if not isinstance(document, dict):
        raise RowRejected("row_malformed", 'The line is no object like {"image": "…", "label": "7"}.')
    return document


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_INTEGER else text  # too long for a label, which `label_of` says


def _no_number(text: str) -> None:
    """NaN and Infinity, which Python reads, are no JSON (RFC 8259, 6)."""
    raise ValueError(text)


def _row(where: str, document: dict[str, Any]) -> Row:
    label, image = document.get("label"), document.get("image")
    if type(label) is int:
        label = str(label)
    if label is not None and not isinstance(label, str):
        raise RowRejected("label_invalid", "The label is neither a text nor a whole number. Write it as a text.")
    known = label_of(label or "")
    if not image or not isinstance(image, str):
        came = listed(document) or "nothing"
        why = f"There is no text `image`; the line has {came}. Put the picture's file there in base64."
        raise RowRejected("file_missing", why)
    return Row(where, known, decoded(image), _split(document.get("split")))


def _split(value: object) -> Split | None:
    """The part that a line says it is in. Raises RowRejected."""
    return None if value is None else split_called(value if isinstance(value, str) else json.dumps(value))
