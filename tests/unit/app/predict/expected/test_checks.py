"""Checks on numbers that others have published, and on every slip of one digit."""

import pytest

from app.predict.expected.checks import CHECKS

RIGHT = [
    ("luhn", "79927398713"), ("luhn", "4539578763621486"), ("luhn", "18"), ("luhn", "0"),
    ("isbn", "9780306406157"), ("isbn", "0306406152"), ("isbn", "9783161484100"),
    ("iban:DE", "89370400440532013000"), ("iban:ES", "9121000418450200051332"), ("iban:BE", "68539007547034"),
    ("iban:NO", "9386011117947"), ("iban:PT", "50000201231234567890154"), ("iban:AT", "611904300234573201"),
    ("iban:PL", "61109010140000071219812874"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "number"), RIGHT)
def test_a_right_number_passes_and_none_with_a_wrong_digit(name: str, number: str) -> None:
    digits = [int(digit) for digit in number]
    assert CHECKS[name].passes(digits)
    for place, right in enumerate(digits):
        for wrong in {*range(10)} - {right}:
            assert not CHECKS[name].passes([*digits[:place], wrong, *digits[place + 1 :]])


@pytest.mark.parametrize("name", CHECKS)
def test_no_number_of_another_length_passes(name: str) -> None:
    check = CHECKS[name]
    assert not check.passes([])
    for count in {*range(1, 40)} - check.lengths if check.lengths else ():
        assert not check.passes([0] * count)


def test_every_country_has_right_numbers() -> None:
    """Two check digits are found for any account."""
    for name, check in CHECKS.items():
        if name.startswith("iban:"):
            (length,) = check.lengths
            account = [place % 10 for place in range(length - 2)]
            assert [two for two in range(2, 99) if check.passes([*divmod(two, 10), *account])]
