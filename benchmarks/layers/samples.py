"""Sampled stacks of a serving process, as `py-spy record --format raw --threads` writes them, sorted into layers. Those
of the main thread count: it has the event loop, and threads that wait are sampled now and then as if they ran.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

OTHER = "event loop, and what has no layer"

# A sample belongs to the innermost frame that has a layer; what a library does is its caller's. The first match counts.
_LAYERS = (
    (OTHER, r"app/cli/|app/process\.py|app/__main__\.py|/uvicorn/(server|_compat)\.py"),
    ("log", r"app/logs/|app/web/request_log|/structlog/|/logging/"),
    ("model", r"models_store/model/|/torch/"),
    ("decoding of pictures", r"models_store/pictures/|app/decoding/|app/inference/decoding\.py|/PIL/|/cv2/"),
    ("verdict and answer", r"app/inference/(verdict|answer)|app/predict/(answers|schemas|spelled)\.py|/pydantic/"),
    ("batcher and engine", r"app/inference/"),
    ("body", r"app/web/(multipart|form|direct|limits|encoding|budget)|/python_multipart/|/starlette/formparsers\.py"),
    ("protocol", r"app/web/http1/|app/web/connection\.py|/uvicorn/"),
    ("routing, query and what wraps a route", r"/app/|/fastapi/|/starlette/"),
)
LAYERS = [name for name, _ in _LAYERS]
_KNOWN = [(name, re.compile(pattern)) for name, pattern in _LAYERS]
_MAIN = re.compile(r"thread \([^)]*\): MainThread")
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*?)(?::\d+)?\)")


@dataclass
class Layers:
    """How many samples each layer has, and the functions in it that were running or waited for a library."""

    samples: Counter[str] = field(default_factory=Counter)
    functions: dict[str, Counter[str]] = field(default_factory=dict)

    def share(self, layer: str) -> float:
        """Of all samples, 0..1."""
        return self.samples[layer] / max(1, self.samples.total())


def sort(recorded: str) -> Layers:
    """Every line of the record is a stack, outermost frame first, and how often it was seen."""
    layers = Layers()
    for line in filter(None, recorded.splitlines()):
        stack, count = line.rsplit(" ", 1)
        thread, *frames = stack.split(";")
        if not _MAIN.fullmatch(thread):
            continue
        layer, frame = _layer(frames)
        layers.samples[layer] += int(count)
        layers.functions.setdefault(layer, Counter())[frame] += int(count)
    return layers


def _layer(frames: list[str]) -> tuple[str, str]:
    for frame in reversed(frames):
        found = _FRAME.fullmatch(frame)
        layer = found and layer_of(found["file"])
        if found and layer:
            return layer, f"{found['function']} ({_short(found['file'])})"
    return OTHER, frames[-1]


def _short(file: str) -> str:
    return re.sub(r".*/site-packages/|.*/(?=(?:app|models_store)/)", "", file)


def layer_of(file: str) -> str | None:
    """The layer that a source file belongs to, by its path."""
    return next((name for name, pattern in _KNOWN if pattern.search(file)), None)
