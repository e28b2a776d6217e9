"""Outputs: what a version said of each picture becomes tensors. No verdict is made here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.inference.answer import Answer
from app.v2.asked import CONFIDENCE, LABEL, PROBABILITIES, UNCERTAIN, WantedOutput
from app.v2.tensors import packed
from models_store.files import Probabilities

Values = NDArray[np.float32] | NDArray[np.bool_] | list[str]


@dataclass(frozen=True)
class OutputTensor:
    """One output as it is answered: its values flat and in row-major order; texts are BYTES."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Values
    is_packed: bool

    def packed(self) -> bytes:
        """Its values as a packed tensor has them."""
        values = self.values
        return packed([text.encode() for text in values] if isinstance(values, list) else values)


def outputs_of(answers: Sequence[Answer], wanted: Sequence[WantedOutput]) -> list[OutputTensor]:
    """The outputs that are wanted, in their order, of pictures that were all read."""
    return [_output(answers, one) for one in wanted]


def _output(answers: Sequence[Answer], wanted: WantedOutput) -> OutputTensor:
    count = len(answers)
    if wanted.name == LABEL:
        labels = [answer.verdict.label for answer in answers]
        return OutputTensor(LABEL, "BYTES", (count,), labels, wanted.is_packed)
    if wanted.name == CONFIDENCE:
        confidences = np.array([answer.verdict.confidence for answer in answers], np.float32)
        return OutputTensor(CONFIDENCE, "FP32", (count,), confidences, wanted.is_packed)
    if wanted.name == UNCERTAIN:
        uncertain = np.array([answer.verdict.uncertain for answer in answers], np.bool_)
        return OutputTensor(UNCERTAIN, "BOOL", (count,), uncertain, wanted.is_packed)
    if wanted.classes:
        best = [text for answer in answers for text in _best(answer, wanted.classes)]
        shape = count, len(best) // count
        return OutputTensor(PROBABILITIES, "BYTES", shape, best, wanted.is_packed)
    rows: Probabilities = np.stack([answer.probabilities for answer in answers])
    return OutputTensor(PROBABILITIES, "FP32", rows.shape, rows.reshape(-1), wanted.is_packed)


def _best(answer: Answer, count: int) -> list[str]:
    """The best labels as Triton's classification extension writes them: value, index and label."""
    places = np.argsort(-answer.probabilities, kind="stable")[:count]
    labels = answer.manifest.labels
    return [f"{answer.probabilities[place]:f}:{place}:{labels[place]}" for place in places]
