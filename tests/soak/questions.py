"""Pictures whose right answer is known: by what was drawn, and by what the shipped version said when all was quiet."""

import base64
import functools
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks.hostile import bodies
from tests.conftest import EXAMPLES, ROOT
from tests.soak.people import ask
from tests.soak.server import Server
from tests.support.pictures import png
from training.synthetic import photos, strokes

_SLACK = 0.02  # of a confidence: two processes may compute in number formats of their own
_PHOTOGRAPHS = 20
_ROW = "4207 915\n36 1888"  # what docs/row.py wrote on its page

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """One request about pictures. `wrong` says what is wrong with an answer, and nothing where it is right."""

    kind: str
    path: str
    body: bytes
    wrong: Callable[[Document], str]
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/octet-stream"})
    is_timed: bool = False


def questions(server: Server, source: str) -> dict[str, list[Question]]:
    """By their kind. The server answers each once, before anything happens to it. Raises AssertionError where the
    shipped version does not read what was drawn.
    """
    (entry,) = _asked(server, source, "GET", "/v1/models")["data"]
    ref = f"digits@{entry['aliases']['champion']}"
    seven = png(strokes.unit(7, np.random.default_rng(7)))
    drawn = [("predictions", "7", seven), ("drawings", "7", bodies.drawing()), *_photographs()]
    found: dict[str, list[Question]] = {}
    for kind, label, picture in drawn:
        answer = _asked(server, source, "POST", f"/v1/predict?model={ref}", content=picture)
        if answer["uncertain"]:
            continue  # another version may well read it otherwise
        assert answer["label"] == label, f"{kind}: {answer['label']} was read, {label} was drawn"
        for model, confidence in (("digits", None), (ref, float(answer["confidence"]))):
            right, is_timed = functools.partial(_wrong_reading, label, confidence), kind == "predictions"
            question = Question(kind, f"/v1/predict?model={model}", picture, right, is_timed=is_timed)
            found.setdefault(kind, []).append(question)
    assert len(found) == len({kind for kind, _, _ in drawn}), f"of some kind all are uncertain: {sorted(found)}"
    row = (ROOT / "docs" / "pictures" / "row.png").read_bytes()
    found["pages"] = [Question("pages", f"/v1/read?model={ref}", row, _wrong_page)]
    found["batches"] = [_batch(ref)]
    if answers(server, source, "/v2"):
        found["v2"] = [_infer(seven)]
    return found


def _photographs() -> Iterator[tuple[str, str, bytes]]:
    """Small ones of all kinds, and one of a phone."""
    for number in range(_PHOTOGRAPHS):
        rng = np.random.default_rng(number)
        picture = photos.photograph(strokes.unit(number % 10, rng), rng)
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=90)
        yield "photographs", str(number % 10), file.getvalue()
    yield "photographs", "0", bodies.photograph(3)


def _batch(ref: str) -> Question:
    form = httpx.Request(
        "POST", "http://x", files=[("files", (name, _example(name))) for name in ("1", "broken", "2", "3")]
    )
    return Question(
        "batches",
        f"/v1/predict/batch?model={ref}",
        form.read(),
        _wrong_batch,
        {"content-type": form.headers["content-type"]},
    )


def _example(name: str) -> bytes:
    path = EXAMPLES / f"{name}.png"
    return path.read_bytes() if path.exists() else b"no picture"


def _infer(picture: bytes) -> Question:
    data = base64.b64encode(picture).decode()
    body = {"inputs": [{"name": "picture", "shape": [1], "datatype": "BYTES", "data": [data]}]}
    return Question(
        "v2",
        "/v2/models/digits/infer",
        json.dumps(body).encode(),
        _wrong_inference,
        {"content-type": "application/json"},
    )


def _wrong_reading(label: str, confidence: float | None, answer: Document) -> str:
    """Of a version that is named, the confidence is known too; the champion may be another one by now, which may be
    unsure, but not sure of something else."""
    said = f"{answer['model']} says {answer['label']} with {answer['confidence']}"
    if answer["label"] != label and (confidence is not None or not answer["uncertain"]):
        return f"{said}, and it is {label}"
    if confidence is not None and abs(answer["confidence"] - confidence) > _SLACK:
        return f"{said}, and at first it was {confidence}"
    return ""


def _wrong_page(answer: Document) -> str:
    return "" if answer["text"] == _ROW else f"{answer['text']!r} was read, {_ROW!r} is written"


def _wrong_batch(answer: Document) -> str:
    said = [one.get("label") or one["error"]["code"] for one in answer["predictions"]]
    return "" if said == ["1", "image_invalid", "2", "3"] else f"{said} was answered"


def _wrong_inference(answer: Document) -> str:
    said = {output["name"]: output["data"] for output in answer["outputs"]}
    return "" if said["label"] == ["7"] or said["uncertain"] == [True] else f"{said['label']} was read, 7 was drawn"


def answers(server: Server, source: str, path: str) -> bool:
    """Whether it has such an address."""
    answer = ask(server, "GET", path, source)
    return answer is not None and answer.status_code == 200


def _asked(server: Server, source: str, method: str, path: str, **details: Any) -> Document:
    headers = {"content-type": "application/octet-stream"} if "content" in details else {}
    answer = ask(server, method, path, source, headers=headers, **details)
    assert answer is not None and answer.status_code == 200, answer and answer.text
    found: Document = answer.json()
    return found
