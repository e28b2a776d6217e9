"""Texts that somebody else chose, as a sentence may show them."""

from collections.abc import Iterable
from itertools import islice

_NAME = 40  # characters of a field's, a parameter's or a key's name
_NAMES = 5  # that one sentence lists


def shown(text: str, *, longest: int = 200) -> str:
    """A text as a line, cut after `longest` characters: nothing in it can steer a terminal or fail to be written as
    UTF-8."""
    cut = text if len(text) <= longest else text[:longest] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def quoted(name: str) -> str:
    """The name of a field, a parameter or a key between backquotes."""
    return f"`{shown(name, longest=_NAME)}`"


def listed(names: Iterable[str]) -> str:
    """Such names in a row, each once: the first five, and how many more there are. Empty for none."""
    each = dict.fromkeys(names)
    more = f" and {len(each) - _NAMES:,} more" if len(each) > _NAMES else ""
    return ", ".join(map(quoted, islice(each, _NAMES))) + more
