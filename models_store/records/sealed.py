"""Documents that carry a digest of themselves: JSON in one spelling, so that a flipped blank is noticed too."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_SEAL = "digest"


def sealed(document: Mapping[str, Any]) -> bytes:
    """The one spelling of a document, with the SHA-256 of all else in it as its `digest`."""
    return _spelled({**document, _SEAL: digest(document)})


def digest(document: Mapping[str, Any]) -> str:
    """The SHA-256 of all in a document but its own digest."""
    return hashlib.sha256(_spelled({key: value for key, value in document.items() if key != _SEAL})).hexdigest()


def opened(data: bytes) -> dict[str, Any] | None:
    """The document in what `sealed` wrote, with its digest; None for anything else."""
    try:
        document = json.loads(data)
        return document if isinstance(document, dict) and sealed(document) == data else None
    except (ValueError, RecursionError):
        return None


def _spelled(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False).encode() + b"\n"
