"""The numbers of a page as they were expected: one a line, or one a region."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.inference.answer import PageAnswer
from app.inference.verdict import Verdict
from app.predict.expected.asked import Expected
from app.predict.expected.choosing import Choice, Option, choose
from models_store.pictures.marks import BoundingBox


@dataclass(frozen=True)
class _MarksOfPage:
    """The marks of a page, each with the places of its digits: it is whole at one place and cut at others."""

    verdicts: Sequence[Verdict]
    parts: Sequence[Sequence[int]]  # of each mark
    owner: dict[int, int]  # place of a digit -> its mark

    @classmethod
    def of(cls, answer: PageAnswer) -> "_MarksOfPage":
        page = answer.page
        parts = [candidate.parts for candidate in page.candidates[: page.wholes]]
        owner = {mark: mark for mark in range(page.wholes)}
        owner |= {part: mark for mark, some in enumerate(parts) for part in some}
        return cls(answer.verdicts, parts, owner)

    def options(self, digits: Sequence[int]) -> list[list[Option]]:
        """How each mark of these digits can be read."""
        found: dict[int, list[int]] = {}
        for i in digits:
            found.setdefault(self.owner[i], []).append(i)
        return [self._of(mark, read) for mark, read in found.items()]

    def _of(self, mark: int, read: Sequence[int]) -> list[Option]:
        if not any(self.verdicts[i].uncertain for i in read):
            return [self._option(read)]
        parts = self.parts[mark]
        ways = [self._option((mark,)), *([self._option(parts)] if parts else [])]
        return [*ways, Option((), 1 - max(way.likely for way in ways))]

    def _option(self, digits: Sequence[int]) -> Option:
        return Option(tuple(digits), math.prod(self.verdicts[i].confidence for i in digits))


def expected_numbers(answer: PageAnswer, lines: Sequence[Sequence[Sequence[int]]], expected: Expected) -> list[Choice]:
    """A number for each of the page's `lines`, or for each region that is expected, chosen among doubtful readings."""
    marks = _MarksOfPage.of(answer)
    joined = [[i for number in line for i in number] for line in lines]
    if expected.regions:
        every = [i for line in joined for i in line]
        boxes = [candidate.box for candidate in answer.page.candidates]
        joined = [[i for i in every if _lies_in(boxes[marks.owner[i]], region)] for region in expected.regions]
    return [
        choose(digits, marks.options(digits), answer.verdicts, expected.lengths, expected.check) for digits in joined
    ]


def _lies_in(box: BoundingBox, region: BoundingBox) -> bool:
    """By its middle."""
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return region.left <= x < region.right and region.top <= y < region.bottom
