"""A picture's file as text: base64 in any spelling that programs write it in."""

import base64
from urllib.parse import unquote

from models_store.datasets.rows import RowRejected

_LONGEST_KIND = 200  # characters of a data: URL before its comma
_TO_STANDARD = str.maketrans("-_", "+/")


def decoded(text: str) -> bytes:
    """The bytes of base64 (RFC 4648): in the standard or the URL-safe alphabet, with or without line breaks and
    padding, alone or in a data: URL (RFC 2397). Raises RowRejected (`base64_invalid`).
    """
    kind, comma, rest = text[:_LONGEST_KIND].partition(",")
    if kind.lstrip()[:5].lower() == "data:":
        if not (comma and kind.rstrip().lower().endswith(";base64")):
            raise RowRejected("base64_invalid", "The image is a data: URL without base64. Encode it so.")
        text = unquote(rest + text[_LONGEST_KIND:])
    padded = "".join(text.split()).translate(_TO_STANDARD)
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
