"""Sends what can't be right, and must be told so: by the same status and code whatever happens meanwhile."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tests.soak.people import FEEDBACK, FILES, JOBS, Person, Seen
from tests.soak.server import Server
from tests.support.pictures import png
from training.synthetic import strokes

_PAUSE = (0.1, 0.6)  # seconds from one to the next
_KIND = "bad input"
_FORM = "multipart/form-data; boundary=edge"


@dataclass(frozen=True)
class Blunder:
    """One request, and what it is answered: a status and a code."""

    method: str
    path: str
    body: bytes
    status: int
    code: str
    headers: Mapping[str, str] = field(default_factory=dict)


def blunders() -> list[Blunder]:
    """From the rows of what bad input gets, one of a kind."""
    seven = png(strokes.unit(7, np.random.default_rng(7)))
    raw, plain, as_json = ({"content-type": kind} for kind in ("image/png", "text/plain", "application/json"))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    part = b'--edge\r\nContent-Disposition: form-data; name="%b"; filename="x"\r\n\r\n%b\r\n--edge--\r\n'
    text = b'--edge\r\nContent-Disposition: form-data; name="file"\r\n\r\nseven\r\n--edge--\r\n'
    no_file = '{"model": "digits", "training_file": "file-000000000000000000000000"}'
    return [
        Blunder("POST", "/v1/predict", b"", 422, "file_missing", raw),
        Blunder("POST", "/v1/predict", seven, 415, "unsupported_media_type", plain),
        Blunder("POST", "/v1/predict", b"no picture at all", 422, "image_invalid", raw),
        Blunder("POST", "/v1/predict", seven[: len(seven) // 2], 422, "image_truncated", raw),
        Blunder("POST", "/v1/predict", png(np.zeros((1, 1), np.uint8)), 422, "image_bad_dimensions", raw),
        Blunder("POST", "/v1/predict", svg, 415, "unsupported_image_format", raw),
        Blunder("POST", "/v1/predict?model=nope", seven, 404, "model_not_found", raw),
        Blunder("POST", "/v1/predict?model=..%2fx", seven, 422, "bad_model_name", raw),
        Blunder("POST", "/v1/predict?top_k=0", seven, 422, "validation_failed", raw),
        Blunder("POST", "/v1/predict", text, 422, "file_missing", {"content-type": _FORM}),
        Blunder("POST", "/v1/predict", seven, 403, "foreign_origin", {**raw, "origin": "http://elsewhere.example"}),
        Blunder("POST", "/v1/predict", seven, 400, "bad_host", {**raw, "host": "elsewhere.example"}),
        Blunder("POST", "/v1/predict/batch", b"[1,", 400, "json_malformed", as_json),
        Blunder("POST", FILES, part % (b"file", b"PK\x03\x04 no zip"), 422, "archive_invalid", {"content-type": _FORM}),
        Blunder("POST", FEEDBACK, part % (b"file", seven), 422, "label_missing", {"content-type": _FORM}),
        Blunder("POST", JOBS, no_file.encode(), 404, "file_not_found", as_json),
        Blunder("POST", JOBS, b'{"model": "digits", "training_file": 7}', 422, "validation_failed", as_json),
        Blunder("GET", f"{JOBS}/ftjob-nope", b"", 404, "job_not_found"),
        Blunder("DELETE", "/v1/models/digits/aliases/champion?expected=1", b"", 409, "alias_fixed"),
        Blunder("GET", "/v1/nowhere", b"", 404, "not_found"),
    ]


class Blunderer(Person):
    """One blunder after another."""

    def __init__(self, server: Server, seen: Seen, source: str, seed: str) -> None:
        super().__init__(server, seen, source)
        self._random = random.Random(seed)
        self._blunders = blunders()

    def act(self) -> None:
        if not self.rest(*_PAUSE, self._random):
            return
        one = self._random.choice(self._blunders)
        answer = self.ask(_KIND, one.method, one.path, content=one.body, headers=dict(one.headers))
        if answer is None or not self.expect(_KIND, answer, one.status):
            return
        code = answer.json()["code"]
        if code != one.code:
            self.seen.wrong.append(f"{_KIND}: {one.method} {one.path} got the code {code}, not {one.code}")
