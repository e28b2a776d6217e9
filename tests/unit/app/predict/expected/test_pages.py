"""Numbers of a page by lines and by regions, from marks that may be cut."""

from pathlib import Path

import numpy as np
import pytest

from app.inference.answer import Durations, PageAnswer
from app.predict.expected.asked import Expected
from app.predict.expected.choosing import Met
from app.predict.expected.pages import expected_numbers
from models_store.pictures.many.page import DigitCandidate, PreparedPage
from models_store.pictures.marks import BoundingBox
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store


def box(left: int, width: int = 20, top: int = 0) -> BoundingBox:
    return BoundingBox(top, left, top + 30, left + width)


@pytest.fixture
def version(tmp_path: Path) -> Version:
    registry: Registry = open_store(tmp_path / "store")
    return registry.resolve(Ref("digits"))


@pytest.fixture
def answer(version: Version) -> PageAnswer:
    """Two lines: 4, a wide mark that may be 8 or 1 and 2, and 7; below it 5 and 6."""
    candidates = (
        DigitCandidate(box(0)), DigitCandidate(box(30, 44), parts=(5, 6)), DigitCandidate(box(80)),
        DigitCandidate(box(0, top=60)), DigitCandidate(box(30, top=60)),
        DigitCandidate(box(30)), DigitCandidate(box(54)),
    )  # fmt: skip
    said = [(4, 0.999), (8, 0.95), (7, 0.999), (5, 0.999), (6, 0.999), (1, 0.9), (2, 0.9)]
    probabilities = np.zeros((7, 10), np.float32)
    for row, (digit, confidence) in zip(probabilities, said, strict=True):
        row[:] = (1 - confidence) / 9
        row[digit] = confidence
    page = PreparedPage(120, 100, np.zeros((7, 1, 28, 28), np.uint8), candidates, 5, ())
    return PageAnswer(version, page, probabilities, Durations(0, 0, 0))


def read(answer: PageAnswer, **given: object) -> list[tuple[str, Met]]:
    expected = Expected.of(given.get("digits"), given.get("check"), given.get("regions"))  # type: ignore[arg-type]
    assert expected is not None
    lines = answer.page.lines([verdict.confidence for verdict in answer.verdicts])
    return [("".join(number.labels), number.met) for number in expected_numbers(answer, lines, expected)]


def test_a_line_is_one_number_of_so_many_digits(answer: PageAnswer) -> None:
    assert read(answer, digits=3) == [("487", Met.AS_READ), ("56", Met.MISSED)]
    assert read(answer, digits=4)[0] == ("4127", Met.CHOSEN)
    assert read(answer, digits=2)[0] == ("47", Met.CHOSEN)


def test_a_region_is_one_number_whatever_lines_there_are(answer: PageAnswer) -> None:
    regions = "0,60,25,30;30,0,90,30;0,200,10,10"
    assert read(answer, regions=regions) == [("5", Met.AS_READ), ("87", Met.AS_READ), ("", Met.AS_READ)]
    assert read(answer, regions=regions, digits=1) == [("5", Met.AS_READ), ("7", Met.CHOSEN), ("", Met.MISSED)]
