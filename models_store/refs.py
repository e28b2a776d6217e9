"""Refs: the one grammar that names a model or one of its versions, in URLs, JSON, commands and logs."""

import re
from dataclasses import dataclass

from models_store.errors import BadRef

CHAMPION, PREVIOUS = "champion", "previous"
CHALLENGER = "challenger"  # reads beside the champion, unseen (app.shadow)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ALIAS = re.compile(r"[a-z][a-z0-9-]{0,62}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Ref:
    """`name` (its champion), `name@alias` or `name@7`; exactly one of `alias` and `version` is set."""

    name: str
    alias: str | None = CHAMPION
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Ref":
        """Raises BadRef where the text follows none of the three forms."""
        name, at, rest = text.partition("@")
        check_name(name)
        if not at:
            return cls(name)
        if is_number(rest):
            return cls(name, None, int(rest))
        if is_alias(rest):
            return cls(name, rest)
        raise BadRef("After the @ of a model stands a version number such as 7 or an alias such as champion.")


def is_name(text: str) -> bool:
    """Whether a model can be called that."""
    return _NAME.fullmatch(text) is not None


def is_alias(text: str) -> bool:
    """Whether an alias can be called that."""
    return _ALIAS.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Whether that is how a version's number is written."""
    return _VERSION.fullmatch(text) is not None


def check_name(name: str) -> str:
    """Returns a valid model name unchanged, raises BadRef for any other."""
    if not is_name(name):
        raise BadRef("A model name has 1 to 63 of a-z, 0-9 and -, and does not begin with -.")
    return name


def check_alias(alias: str) -> str:
    """Returns a valid alias unchanged, raises BadRef for any other."""
    if not is_alias(alias):
        raise BadRef("An alias has 1 to 63 of a-z, 0-9 and -, and begins with a letter.")
    return alias
