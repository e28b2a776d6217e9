"""The attacks by name: over how many connections, what is sent, and how it is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from benchmarks.hostile import bodies
from benchmarks.hostile.wire import request

# Whole requests one after another; or a connection that is only opened, or whose head or body never ends.
Way = Literal["asks", "idles", "drips a head", "drips a body", "stops in a body", "piles up headers"]
_FORM = "multipart/form-data; boundary=edge7MA4YWxk"


@dataclass(frozen=True)
class Attack:
    """One kind. `requests` builds what is sent again and again, where it asks."""

    requests: Callable[[], Sequence[bytes]] = tuple
    way: Way = "asks"
    connections: int = 0  # 0: as many as the benchmark is told to use of each


def _one(path: str, kind: str, body: Callable[[], bytes]) -> Callable[[], Sequence[bytes]]:
    return lambda: [request(path, body(), kind)]


def _several(path: str, kind: str, many: Callable[[], Sequence[bytes]]) -> Callable[[], Sequence[bytes]]:
    return lambda: [request(path, body, kind) for body in many()]


def _correction(picture: Callable[[], bytes]) -> bytes:
    return bodies.form({"label": b"7", "file": picture()})


def _upload(archive: Callable[[], bytes]) -> bytes:
    return bodies.form({"purpose": b"fine-tune", "file": archive()})


def _corrections() -> Sequence[bytes]:
    pictures = (bodies.large_webp, bodies.scans_jpeg, bodies.rle_bmp, bodies.texts_png, bodies.noise)
    return [request("/v1/feedback", _correction(picture), _FORM) for picture in pictures]


_PREDICT, _READ, _BATCH, _FILES = "/v1/predict", "/v1/read", "/v1/predict/batch", "/v1/files"
_drawings = partial(map, bodies.drawing, range(10))

ATTACKS: dict[str, Attack] = {
    "webp": Attack(_one(_PREDICT, "image/webp", bodies.large_webp)),
    "photographs": Attack(_several(_PREDICT, "image/jpeg", bodies.photographs)),
    "12 megapixels": Attack(_one(_PREDICT, "image/jpeg", bodies.photograph)),
    "pages": Attack(_one(_READ, "image/jpeg", bodies.page)),
    "noise": Attack(_one(_READ, "image/png", bodies.noise)),
    "explanations": Attack(_several(f"{_PREDICT}?explain=true", "image/png", lambda: list(_drawings()))),
    "texts": Attack(_one(_PREDICT, "image/png", bodies.texts_png)),
    "scans": Attack(_one(_PREDICT, "image/jpeg", bodies.scans_jpeg)),
    "rle": Attack(_one(_PREDICT, "image/bmp", bodies.rle_bmp)),
    "batch": Attack(_one(_BATCH, "application/zip", bodies.blank_webps)),
    "zips": Attack(_one(_BATCH, "application/zip", bodies.expanding), connections=24),
    "corrections": Attack(_corrections),
    "uploads": Attack(_one(_FILES, _FORM, lambda: _upload(lambda: bodies.data_set(bodies.large_webp, 40, "webp")))),
    "upload-zips": Attack(_one(_FILES, _FORM, lambda: _upload(lambda: bodies.expanding(prefix="7/")))),
    "slow-heads": Attack(way="drips a head", connections=200),
    "slow-bodies": Attack(way="drips a body", connections=200),
    "unfinished": Attack(way="stops in a body", connections=100),
    "idle": Attack(way="idles", connections=2100),
    "headers": Attack(way="piles up headers"),
}
