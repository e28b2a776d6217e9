"""Whether a peer answers as this service does: a server that is quick and wrong is not compared."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence

from benchmarks.peers.servers import Running, Way

_SAME = 0.99  # of the labels; the number formats that serve may differ in a few


def check(server: Running, pictures: Sequence[bytes], expected: Sequence[int]) -> None:
    """Asks for each picture alone, and for all at once. Raises SystemExit where the labels are others."""
    found = [label for picture in pictures for label in labels(server.one, [picture])]
    at_once = labels(server.many, pictures) if server.many else found
    for answered in (found, at_once):
        same = sum(a == b for a, b in zip(answered, expected, strict=True))
        if same < _SAME * len(expected):
            raise SystemExit(f"{server.name} reads {len(expected) - same} of {len(expected)} pictures differently")


def labels(way: Way, pictures: Sequence[bytes]) -> list[int]:
    """The labels in the answer to one request, in order. Raises SystemExit where it is refused."""
    body, kind = way.form(pictures)
    request = urllib.request.Request(way.url, body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = _labels(json.load(answer))
    except urllib.error.HTTPError as refusal:
        raise SystemExit(f"{way.url} answers {refusal.code}: {refusal.read().decode(errors='replace')}") from None
    if len(found) != len(pictures):
        raise SystemExit(f"{way.url} answers {len(found)} of {len(pictures)} pictures")
    return found


def _labels(answer: object) -> list[int]:
    if isinstance(answer, dict):
        if "label" in answer and len(answer.get("probabilities", ())) == 10:
            return [int(answer["label"])]
        answer = list(answer.values())
    return [label for part in answer for label in _labels(part)] if isinstance(answer, list) else []
