"""Checks that the digits of a number pass: Luhn's, that of books, that of bank accounts.

All of them are sums: each digit adds something that its place decides, and the rest of a division says whether it is
right. So the most probable digits that pass are found exactly (`choosing`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

# How many digits follow the two letters, where all that follows is digits: SWIFT's IBAN registry (ISO 13616-2).
_IBAN_DIGITS = MappingProxyType({
    "AE": 21, "AT": 18, "BA": 18, "BE": 14, "CZ": 22, "DE": 20, "DK": 16, "EE": 18, "ES": 22, "FI": 16, "FO": 16,
    "GL": 16, "HR": 19, "HU": 26, "IL": 21, "IS": 24, "LT": 18, "ME": 20, "NO": 13, "PL": 26, "PT": 23,
    "RS": 20, "SE": 22, "SI": 17, "SK": 22, "TN": 22, "XK": 18,
})  # fmt: skip
_ISBN_10, _ISBN_13 = 10, 13
_LETTERS = 10  # what A counts in an IBAN


@dataclass(frozen=True)
class Check:
    """`adds(place, count, digit)` over a number's `count` digits, whole numbers from 0 on, leaves `rest` of `modulus`.

    `lengths` are the counts that there are; empty where any may be.
    """

    modulus: Callable[[int], int]  # of a count
    rest: int
    adds: Callable[[int, int, int], int]
    lengths: frozenset[int] = frozenset()

    def passes(self, digits: Sequence[int]) -> bool:
        """Whether these digits are right."""
        count = len(digits)
        if not count or (self.lengths and count not in self.lengths):
            return False
        modulus = self.modulus(count)
        return (
            sum(self.adds(place, count, digit) for place, digit in enumerate(digits)) % modulus == self.rest % modulus
        )


def _luhn(place: int, count: int, digit: int) -> int:
    """ISO/IEC 7812-1, annex B: every second digit from the right is doubled, and its digits are added."""
    return digit if (count - place) % 2 else sum(divmod(2 * digit, 10))


def _isbn(place: int, count: int, digit: int) -> int:
    """ISO 2108: of ten digits by 10, 9 ... 1, of thirteen by 1 and 3 in turn. An X at the end is no digit."""
    return digit * (count - place if count == _ISBN_10 else 1 + 2 * (place % 2))


def _iban(place: int, count: int, digit: int) -> int:
    """ISO 13616-1 and ISO/IEC 7064 (MOD 97-10): the two check digits are moved to the end, behind the letters."""
    return digit * pow(10, 1 - place if place < 2 else count - place + 5, 97)


def _iban_of(country: str) -> Check:
    letters = 0
    for letter in country:
        letters = 100 * letters + ord(letter) - ord("A") + _LETTERS
    return Check(lambda count: 97, 1 - 100 * letters, _iban, frozenset({_IBAN_DIGITS[country]}))


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "luhn": Check(lambda count: 10, 0, _luhn),
        "isbn": Check(lambda count: 11 if count == _ISBN_10 else 10, 0, _isbn, frozenset({_ISBN_10, _ISBN_13})),
    }
    | {f"iban:{country}": _iban_of(country) for country in _IBAN_DIGITS}
)
