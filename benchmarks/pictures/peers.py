"""Other ways to read the same singles: a tutorial's, and readers of text where they are installed."""

import importlib.util
import io
import shutil
import subprocess
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from PIL import Image

from benchmarks.pictures.judged import MOST
from benchmarks.pictures.labelled import Labelled
from models_store.model import Model, predict_all
from models_store.pictures.decode import DRAFT_SIDE, decoded, grey_of, open_picture

LOOK_ALIKES = str.maketrans("oODQlIizZsSbGBgq", "0000111225566899")
_TESSERACT = ("--psm", "10", "-c", "tessedit_char_whitelist=0123456789")  # one character
_Reader = Callable[[bytes], str]


def beside(singles: Sequence[Labelled], model: Model) -> tuple[dict[str, int], list[str]]:
    """How many each way reads right, and the names of readers that are not installed."""
    right = _tutorials(singles, model) if singles else {}
    missing = []
    for name, opened in (("ddddocr", _ddddocr), ("Tesseract", _tesseract)):
        reader = opened()
        if reader is None:
            missing.append(name)
            continue
        right[name] = sum(digits_of(reader(as_png(one.data))) == one.label for one in singles)
    return right, missing


def digits_of(text: str) -> str:
    """What a reader of text has read, letters that look like digits counted as these."""
    return text.strip().translate(LOOK_ALIKES)


def as_png(data: bytes) -> bytes:
    """The upright picture on white: every reader gets what a person sees, whatever formats it knows."""
    file = io.BytesIO()
    Image.fromarray(grey_of(decoded(open_picture(data, MOST), "L", DRAFT_SIDE))).save(file, "PNG")
    return file.getvalue()


def _tutorials(singles: Sequence[Labelled], model: Model) -> dict[str, int]:
    """The same model on pictures that are only made smaller."""
    greys = [grey_of(decoded(open_picture(one.data, MOST), "L", DRAFT_SIDE)) for one in singles]
    size = model.picture.width, model.picture.height
    small = np.stack([cv2.resize(grey, size, interpolation=cv2.INTER_AREA)[None] for grey in greys]).astype(np.uint8)
    light = np.median(small, axis=(2, 3), keepdims=True) > 127
    ways = {
        "the same net, resized": small,
        "the same net, resized, inverted": 255 - small,
        "the same net, resized, inverted where light": np.where(light, 255 - small, small),
    }
    labels, truth = np.array(model.labels), np.array([one.label for one in singles])
    return {
        way: int((labels[predict_all(model, np.ascontiguousarray(seen, np.uint8)).argmax(1)] == truth).sum())
        for way, seen in ways.items()
    }


def _ddddocr() -> _Reader | None:
    if importlib.util.find_spec("ddddocr") is None:
        return None
    reader = importlib.import_module("ddddocr").DdddOcr(show_ad=False)
    return lambda file: str(reader.classification(file))


def _tesseract() -> _Reader | None:
    program = shutil.which("tesseract")
    if program is None:
        return None
    command = (program, "stdin", "stdout", *_TESSERACT)
    return lambda file: subprocess.run(command, input=file, capture_output=True, check=False).stdout.decode()
