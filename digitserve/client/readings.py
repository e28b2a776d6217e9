"""What a version reads on pictures, and what becomes of a correction."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]  # a JSON object


@dataclass(frozen=True)
class Prediction:
    """The answer to one picture. `confidence` is a calibrated probability; `uncertain`: a person should look."""

    label: str
    confidence: float
    uncertain: bool
    probabilities: Mapping[str, float]  # in the order of the model's labels; with `top_k`, the best ones first
    warnings: tuple[str, ...]
    model: str  # the version that read it, such as "digits@2"
    id: str
    milliseconds: Mapping[str, float]  # "prepare", "queue", "infer"; of a whole request, where that had many pictures
    prepared: bytes | None  # what the model saw, a PNG, where that was asked for
    explanation: bytes | None  # the same, red where it speaks for the label

    @classmethod
    def of(cls, reading: Document, answer: Document) -> "Prediction":
        """From JSON: what is said of the picture, and the answer around it."""
        return cls(
            label=str(reading["label"]),
            confidence=float(reading["confidence"]),
            uncertain=bool(reading["uncertain"]),
            probabilities=reading["probabilities"],
            warnings=tuple(reading["warnings"]),
            model=str(answer["model"]),
            id=str(answer["id"]),
            milliseconds=answer["timing_ms"],
            prepared=_bytes(reading.get("prepared")),
            explanation=_bytes(reading.get("explanation")),
        )


@dataclass(frozen=True)
class BadPicture:
    """In the place of a picture that can't be read, where many were sent."""

    code: str
    message: str


@dataclass(frozen=True)
class Box:
    """A part of the upright picture, in its pixels, from its left upper corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Digit:
    """One digit of a page. `others` are further labels that it may have, with their confidence; `instead_of` is the one
    that it was read as, where another was chosen so that its number is as expected."""

    label: str
    confidence: float
    uncertain: bool
    box: Box
    others: Mapping[str, float]
    instead_of: str | None = None

    @classmethod
    def of(cls, digit: Document) -> "Digit":
        """From JSON."""
        others = {str(one["label"]): float(one["confidence"]) for one in digit["top"] if one["label"] != digit["label"]}
        box, instead_of = Box(**digit["box"]), digit.get("instead_of")
        return cls(str(digit["label"]), digit["confidence"], digit["uncertain"], box, others, instead_of)


@dataclass(frozen=True)
class Number:
    """Digits that stand together. `confidence`: that all of them are right. `expected`, where something was: it was
    read so ("as_read"), doubtful readings were "chosen" so that it is, or it was "missed"."""

    text: str
    confidence: float
    uncertain: bool
    box: Box
    digits: tuple[Digit, ...]
    expected: str | None = None

    @classmethod
    def of(cls, number: Document) -> "Number":
        """From JSON."""
        digits = tuple(Digit.of(digit) for digit in number["digits"])
        box, expected = Box(**number["box"]), number.get("expected")
        return cls(number["text"], number["confidence"], number["uncertain"], box, digits, expected)


@dataclass(frozen=True)
class Page:
    """What is written on a picture: numbers in lines, in reading order."""

    text: str
    lines: tuple[tuple[Number, ...], ...]
    warnings: tuple[str, ...]
    width: int  # of the upright picture, in pixels
    height: int
    model: str
    id: str
    milliseconds: Mapping[str, float]

    @property
    def numbers(self) -> tuple[Number, ...]:
        """All of them, in reading order."""
        return tuple(number for line in self.lines for number in line)

    @classmethod
    def of(cls, answer: Document) -> "Page":
        """From JSON."""
        return cls(
            text=str(answer["text"]),
            lines=tuple(tuple(Number.of(number) for number in line["numbers"]) for line in answer["lines"]),
            warnings=tuple(answer["warnings"]),
            width=int(answer["width"]),
            height=int(answer["height"]),
            model=str(answer["model"]),
            id=str(answer["id"]),
            milliseconds=answer["timing_ms"],
        )


@dataclass(frozen=True)
class Correction:
    """A picture and what it really shows, as the server keeps it. `replaced` is its label of before, if any."""

    id: str
    model: str
    label: str
    read_by: str | None
    read_as: str | None
    replaced: str | None
    held: str | None  # why no job learns it until a person has looked

    @classmethod
    def of(cls, answer: Document) -> "Correction":
        """From JSON."""
        return cls(
            id=str(answer["id"]),
            model=str(answer["model"]),
            label=str(answer["label"]),
            read_by=answer.get("read_by"),
            read_as=answer.get("read_as"),
            replaced=answer.get("replaced"),
            held=answer.get("held"),
        )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
