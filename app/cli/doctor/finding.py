"""One thing that was looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How it is. Only `BAD` keeps the service from its work, or will soon; `NOTE` says what else is possible."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """`about` is what was looked at in a word, `what` how it is; `do` says what mends it."""

    mark: Mark
    about: str
    what: str
    do: str = ""

    @property
    def said(self) -> str:
        """Both as one text."""
        if not self.do:
            return self.what
        return f"{self.what}{'' if self.what.endswith(('.', '?', '!')) else ':'} {self.do}"


def ok(about: str, what: str) -> Finding:
    """As it should be."""
    return Finding(Mark.OK, about, what)


def note(about: str, what: str, do: str = "") -> Finding:
    """Worth to know."""
    return Finding(Mark.NOTE, about, what, do)


def bad(about: str, what: str, do: str) -> Finding:
    """To be mended."""
    return Finding(Mark.BAD, about, what, do)
