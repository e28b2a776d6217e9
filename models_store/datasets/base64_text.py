"""A picture's file as text: base64 in any spelling that programs write it in."""

import base64
import re
from urllib.parse import unquote

from models_store.datasets.rows import RowRejected

_DATA_URL = re.compile(r"\s*data:", re.IGNORECASE)
_ENCODED = re.compile(r"; *base64\s*$", re.IGNORECASE)  # with blanks as browsers read it (WHATWG Fetch, data: URLs)
_TO_STANDARD = str.maketrans("-_", "+/")


def decoded(text: str) -> bytes:
    """The bytes of base64 (RFC 4648): in the standard or the URL-safe alphabet, with or without line breaks and
    padding, alone or in a data: URL (RFC 2397). Raises RowRejected (`base64_invalid`).
    """
    start = _DATA_URL.match(text)
    if start:
        kind, comma, rest = text[start.end() :].partition(",")
        if not (comma and _ENCODED.search(kind)):
            raise RowRejected("base64_invalid", "The image is a data: URL without base64. Encode it so.")
        text = unquote(rest)
    padded = "".join(line.strip() for line in text.replace("\t", "\n").splitlines()).translate(_TO_STANDARD)
    if " " in padded:
        raise RowRejected(
            "base64_invalid",
            "The image's base64 has a blank inside: a form or an address makes one of a `+`. Write it as %2B there.",
        )
    letters = padded.rstrip("=")
    missing = "=" * (-len(letters) % 4)
    if padded not in (letters, letters + missing):
        raise _invalid()
    try:
        return base64.b64decode(letters + missing, validate=True)
    except ValueError:
        raise _invalid() from None


def _invalid() -> RowRejected:
    return RowRejected("base64_invalid", "The image is no valid base64. Encode the picture's file again.")
