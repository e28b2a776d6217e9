"""Answers that go packed to those who ask for that (Accept-Encoding, RFC 9110, 12.5.3)."""

import gzip
import zlib

_LEAST = 1024  # bytes: less takes as many packets packed
_LEVEL = 1  # probabilities hardly become smaller with more
_MOST = 200  # characters of the header that are looked at


def coding(accepted: str) -> str | None:
    """`gzip` or `deflate`, whichever a header likes better, the first of two alike; None where it wants neither."""
    liked: dict[str, float] = {}
    for text in accepted[:_MOST].lower().split(","):
        name, _, weight = text.partition(";")
        name = "gzip" if name.strip() == "x-gzip" else name.strip()
        if name in ("gzip", "deflate"):
            liked[name] = _weight(weight)
    best = max(liked, key=lambda name: liked[name], default=None)
    return best if best is not None and liked[best] > 0 else None


def packed_answer(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    """A body, packed where that is worth it, and its coding."""
    chosen = coding(accepted) if len(body) >= _LEAST else None
    if chosen is None:
        return body, None
    return (gzip.compress(body, _LEVEL, mtime=0) if chosen == "gzip" else zlib.compress(body, _LEVEL)), chosen


def _weight(text: str) -> float:
    """Of `q=0.5`, with blanks around it; 1 where none is said, 0 where it is no weight."""
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    value = value.strip()
    digits = value.replace(".", "", 1)
    is_weight = name.strip() == "q" and digits.isascii() and digits.isdigit() and len(value) <= 5
    return float(value) if is_weight else 0.0
