"""Regions and checks as an address says them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from app.predict.expected.asked import CheckParam, Expected, RegionsParam
from app.predict.expected.checks import CHECKS
from models_store.pictures.marks import BoundingBox


def test_nothing_is_expected_where_nothing_is_said() -> None:
    assert Expected.of(None, None, None) is None


def test_a_check_says_how_many_digits_there_are_unless_somebody_does() -> None:
    assert Expected.of(None, "isbn", None) == Expected(frozenset({10, 13}), CHECKS["isbn"], ())
    assert Expected.of(13, "isbn", None) == Expected(frozenset({13}), CHECKS["isbn"], ())
    assert Expected.of(None, "luhn", None) == Expected(frozenset(), CHECKS["luhn"], ())


def test_regions_are_boxes_in_their_order() -> None:
    found = Expected.of(4, None, "10,20,30,40;0,0,1,1")
    assert found == Expected(frozenset({4}), None, (BoundingBox(20, 10, 60, 40), BoundingBox(0, 0, 1, 1)))


@pytest.mark.parametrize(
    "regions", ["", ";", "1,2,3", "1,2,3,4,5", "1,2,0,4", "a,b,c,d", "-1,0,5,5", "1.5,0,5,5", "99999,0,9,9", "٣,1,1,1",
                "1,1,1,1;" * 3, ";".join(["1,1,1,1"] * 65), "123456,0,1,1"]
)  # fmt: skip
def test_other_regions_are_refused(regions: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(RegionsParam).validate_python(regions)


@pytest.mark.parametrize("check", ["", "LUHN", "iban", "iban:GB", "iban:de", "mod97", "luhn "])
def test_other_checks_are_refused_with_the_list(check: str) -> None:
    with pytest.raises(ValidationError, match=r"name luhn, isbn, or iban: and one of AE, AT, .*, XK"):
        TypeAdapter(CheckParam).validate_python(check)
