"""TorchServe's handler: a request is a PNG, or JSON with many. TorchServe gathers the requests."""

import base64
from typing import Any

from benchmarks.peers import work

_loaded: list[Any] = []


def handle(data: list[dict[str, Any]] | None, context: object) -> list[Any] | None:
    """An answer for each request; TorchServe's first call has none and loads."""
    if not _loaded:
        _loaded.append(work.load())
    if data is None:
        return None
    sent = [next(row[name] for name in ("data", "body", "file") if row.get(name) is not None) for row in data]
    pictures = [
        [base64.b64decode(one) for one in body["images"]] if isinstance(body, dict) else [bytes(body)] for body in sent
    ]
    found = iter(work.infer(_loaded[0], [work.decode(picture) for some in pictures for picture in some]))
    rows = [[next(found) for _ in some] for some in pictures]
    return [row if isinstance(body, dict) else row[0] for row, body in zip(rows, sent, strict=True)]
