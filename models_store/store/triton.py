"""`config.pbtxt` and `labels.txt` beside a model's aliases: what NVIDIA Triton needs to serve the folder of a model as
it lies. Both follow the champion, and say no more than its manifest does.

They are drawn from `aliases.json`, which is the truth: whoever moves the champion writes them under the same lock, and
`Aliases.mend` after a kill in between, a full disk, or a release that wrote none.
"""

import contextlib
import math
from pathlib import Path

from models_store import durable, manifest
from models_store.errors import StoreError
from models_store.manifest import Manifest
from models_store.specs import InputSpec
from models_store.text import shown

CONFIG, LABELS = "config.pbtxt", "labels.txt"
INPUT, OUTPUT = "INPUT__0", "OUTPUT__0"  # Triton's libtorch backend counts what a module takes and gives in that way
_OURS = "# Written by DigitServe whenever the champion moves."
_MODULE = "model.pt"  # the backend's default name, and ours
_MOST_ROWS = 128  # in a batch: as many as this server ever computes at once ...
_MOST_BYTES = 16 * 2**20  # ... and of large pictures fewer: float32 of that many bytes (`models_store.model`)
_LONGEST = 2**20  # bytes that are read of a file
_LONGEST_LABEL = 1000  # characters, far more than a data set's label may have
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def config(name: str, number: int, champion: Manifest) -> str:
    """A `ModelConfig` in protobuf's text format: the module in `model.pt`, of the champion's version only."""
    shape = ", ".join(map(str, champion.input.shape))
    return f"""{_OURS} What is changed here is lost; a file without this line is left as it is.
# {INPUT}: pixels from 0 to 1, prepared as {number}/manifest.json says under "input". {OUTPUT}: logits, one for each
# line of {LABELS}; softmax(logits / {champion.calibration.temperature!r}) are the probabilities.
name: {quoted(name)}
platform: "pytorch_libtorch"
backend: "pytorch"
default_model_filename: {quoted(_MODULE)}
max_batch_size: {most_rows(champion.input)}
input [ {{ name: {quoted(INPUT)} data_type: TYPE_FP32 dims: [ {shape} ] }} ]
output [
  {{ name: {quoted(OUTPUT)} data_type: TYPE_FP32 dims: [ {len(champion.labels)} ] label_filename: {quoted(LABELS)} }}
]
version_policy {{ specific {{ versions: [ {number} ] }} }}
"""


def labels(champion: Manifest) -> str:
    """A label a line, in the order of the logits; what would end a line or can't be seen is spelled out."""
    return "".join(f"{shown(label, longest=_LONGEST_LABEL)}\n" for label in champion.labels)


def quoted(text: str) -> str:
    """A string of protobuf's text format, which may hold any character but line ends, controls and half characters."""
    return '"' + "".join(map(_escaped, text)) + '"'


def most_rows(picture: InputSpec) -> int:
    """How many pictures go in a batch."""
    return max(1, min(_MOST_ROWS, _MOST_BYTES // (4 * math.prod(picture.shape))))


def is_true(folder: Path, number: int | None) -> bool:
    """Whether both files say that version `number` of the model in `folder` serves, or are none of ours."""
    wanted = _wanted(folder, number)
    return not _is_ours(folder) or all(_read(folder / name) == text for name, text in wanted.items())


def follow(folder: Path, number: int | None) -> None:
    """Has both files say that version `number` serves; without one they go. The caller holds the aliases' lock.

    What can't be written or read now is left for later: no alias waits for that.
    """
    with contextlib.suppress(OSError, StoreError):
        if not _is_ours(folder):
            return
        for name, text in _wanted(folder, number).items():
            if text is None:
                (folder / name).unlink(missing_ok=True)
            elif _read(folder / name) != text:
                durable.write(folder / name, text)


def _wanted(folder: Path, number: int | None) -> dict[str, bytes | None]:
    """What each file has to say; empty where that can't be told, because the version is damaged."""
    if number is None:
        return {CONFIG: None, LABELS: None}
    try:
        champion = Manifest.from_bytes((folder / str(number) / manifest.FILE).read_bytes())
    except (OSError, StoreError):
        return {}
    # labels first: a configuration never names a file that is not there
    return {LABELS: labels(champion).encode(), CONFIG: config(folder.name, number, champion).encode()}


def _is_ours(folder: Path) -> bool:
    """Whether nobody else wrote a configuration."""
    found = _read(folder / CONFIG)
    return found is None or found.startswith(_OURS.encode())


def _read(path: Path) -> bytes | None:
    """None where there is no such file. What is no text of ours, or can't be read, is empty: somebody else's."""
    try:
        return durable.read(path, _LONGEST)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, StoreError):
        return b""


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode(errors="replace"))
