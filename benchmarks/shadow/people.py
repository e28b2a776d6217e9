"""Who sends pictures to a server, and who labels those that two versions read otherwise and knows the truth."""

import base64
import hashlib
import io
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from models_store.pictures.decode import to_png
from training.data import sources
from training.data.rows import as_numpy

_AT_ONCE = 16  # pictures in a request
_DEGREES = 8
_PASSES = 3  # over all pictures: what was dropped in one, because something was busy, is kept in another
_PAUSE_SECONDS = 0.02  # between two requests: in it the challenger reads
_SETTLE_SECONDS = 4.0  # after the last picture, until what was found can be labelled
_TIMEOUT = 120.0


@dataclass(frozen=True)
class Pictures:
    """Labelled digits as PNG files."""

    files: Sequence[bytes]
    labels: Sequence[str]

    def shuffled(self, seed: int) -> "Pictures":
        """The same in another order."""
        order = np.random.default_rng(seed).permutation(len(self.files))
        return Pictures([self.files[i] for i in order], [self.labels[i] for i in order])


def mnist(folder: Path) -> Pictures:
    """MNIST's test digits, and each of them turned by some degrees. Raises DataMissing."""
    digits, labels = as_numpy(sources.mnist(folder).test)
    turned = [np.asarray(Image.fromarray(digit[0]).rotate(_DEGREES, Image.Resampling.BILINEAR)) for digit in digits]
    files = [to_png(digit) for digit in digits] + [to_png(digit[None]) for digit in turned]
    return Pictures(files, 2 * [str(label) for label in labels])


@contextmanager
def sending(url: str, pictures: Pictures) -> Iterator[threading.Event]:
    """Posts all pictures some times, as people would: with pauses. The event is set when the last one is answered."""
    over, stop = threading.Event(), threading.Event()

    def send() -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=_TIMEOUT) as http:
            for first in range(0, _PASSES * len(pictures.files), _AT_ONCE):
                if stop.is_set():
                    break
                begin = first % len(pictures.files)
                some = pictures.files[begin : begin + _AT_ONCE]
                files = [("files", (f"{number}.png", one, "image/png")) for number, one in enumerate(some)]
                http.post("/v1/predict/batch", files=files).raise_for_status()
                time.sleep(_PAUSE_SECONDS)
        stop.wait(_SETTLE_SECONDS)
        over.set()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield over
    finally:
        stop.set()
        thread.join()


class Labeller:
    """Labels what the server shows, in the order in which it is shown."""

    def __init__(self, url: str, model: str, truth: Pictures) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=_TIMEOUT)
        self._path = f"/v1/models/{model}/shadow"
        self._truth = {_digest(file): label for file, label in zip(truth.files, truth.labels, strict=True)}

    def report(self) -> dict[str, Any]:
        """What the server says of the comparison. Raises httpx.HTTPStatusError where there is none."""
        return dict(self._http.get(self._path).raise_for_status().json())

    def labels(self, shadow_id: str, over: threading.Event, *, wrongly: bool = False) -> dict[str, Any]:
        """Labels until this comparison is another or over, or nothing more can come; returns the last report.

        `wrongly` says, where one of the two labels is right, the other one.
        """
        while True:
            ended = over.is_set()
            found = self.report()
            if found["id"] != shadow_id or found["ended_at"] is not None:
                return found
            for shown in found["data"]:
                label = self._truth[_digest(base64.b64decode(shown["thumbnail"].partition(",")[2]))]
                if wrongly and label in shown["labels"]:
                    label = next(one for one in shown["labels"] if one != label)
                answer = self._http.post(f"{self._path}/{shown['id']}", json={"label": label})
                if answer.status_code in (404, 409):  # the label before it has decided
                    break
                answer.raise_for_status()
            if not found["data"]:
                if ended:
                    return found
                time.sleep(0.2)


def _digest(png: bytes) -> str:
    return hashlib.sha256(np.asarray(Image.open(io.BytesIO(png)).convert("L")).tobytes()).hexdigest()
