"""What the address of a request says of the numbers that a page should have."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from app.predict.expected.checks import CHECKS, Check
from models_store.pictures.marks import BoundingBox

_IBAN = "iban:"
_MOST_DIGITS = 64
_MOST_REGIONS = 64
_LONGEST = 2000  # characters of all regions
_MOST_PIXELS = 65_536


@dataclass(frozen=True)
class Expected:
    """How many digits a number may have, none where that is open; which check it passes; where numbers stand."""

    lengths: frozenset[int]
    check: Check | None
    regions: tuple[BoundingBox, ...]

    @classmethod
    def of(cls, digits: int | None, check: str | None, regions: str | None) -> "Expected | None":
        """None where nothing is expected."""
        if digits is None and check is None and regions is None:
            return None
        wanted = CHECKS[check] if check is not None else None
        lengths = frozenset({digits}) if digits is not None else wanted.lengths if wanted is not None else frozenset()
        return cls(lengths, wanted, _boxes(regions) if regions is not None else ())


def _known(check: str) -> str:
    if check not in CHECKS:
        countries = ", ".join(sorted(name.removeprefix(_IBAN) for name in CHECKS if name.startswith(_IBAN)))
        raise PydanticCustomError("check", f"name luhn, isbn, or iban: and one of {countries}")
    return check


def _usable(regions: str) -> str:
    _boxes(regions)
    return regions


def _boxes(text: str) -> tuple[BoundingBox, ...]:
    """`x,y,width,height;…` as boxes. Raises PydanticCustomError."""
    boxes = []
    for part in text.split(";"):
        sides = part.split(",")
        if len(sides) != len("xywh") or not all(side.isascii() and side.isdigit() and len(side) < 6 for side in sides):
            raise _wrong("give x,y,width,height in whole pixels, and a semicolon between two regions")
        x, y, width, height = map(int, sides)
        if not (width and height) or max(x + width, y + height) > _MOST_PIXELS:
            raise _wrong(f"a region has a width and a height, and ends at {_MOST_PIXELS:,} pixels")
        boxes.append(BoundingBox(y, x, y + height, x + width))
    if len(boxes) > _MOST_REGIONS:
        raise _wrong(f"there may be {_MOST_REGIONS} regions")
    return tuple(boxes)


def _wrong(what: str) -> PydanticCustomError:
    return PydanticCustomError("regions", what)


DigitsParam = Annotated[
    int | None,
    Query(
        ge=1, le=_MOST_DIGITS,
        description="how many digits each line, or each region, should have: doubtful marks are cut, joined or left "
        "out so that it has",
        examples=[16],
    ),
]  # fmt: skip
CheckParam = Annotated[
    str | None,
    Query(
        description="the check that each line's or region's digits should pass: `luhn` (payment cards, many customers' "
        "numbers), `isbn` (10 or 13 digits), or `iban:DE` (the digits behind an IBAN's letters; of countries whose "
        "IBANs have no other letters). Doubtful digits become the most probable ones that pass",
        examples=["luhn"],
    ),
    AfterValidator(lambda check: check if check is None else _known(check)),
]
RegionsParam = Annotated[
    str | None,
    Query(
        max_length=_LONGEST,
        description="where the numbers stand, `x,y,width,height` in pixels of the upright picture, a semicolon between "
        "two: each region is a line of the answer, in this order, and nothing else is read",
        examples=["100,40,300,60;100,140,300,60"],
    ),
    AfterValidator(lambda regions: regions if regions is None else _usable(regions)),
]
