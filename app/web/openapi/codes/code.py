"""What is known of one code."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A status that the code is answered with, 0 where it stands inside of an answer; what it means, and what whoever
    gets it does next, a sentence each."""

    status: int
    meaning: str
    remedy: str


Codes = Mapping[str, Code]
