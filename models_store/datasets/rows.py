"""What every reader of a data set yields: rows and refused rows, and what a label may be."""

import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from models_store.datasets.passed_over import PassedOver
from models_store.text import shown

Split = Literal["train", "validation", "test"]

_LONGEST_LABEL = 64  # characters
# Unicode's categories of control, invisible and half characters and of line ends: two labels must not look alike
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True)
class Row:
    """One labelled picture as a file. `where` is a name relative to the data set, or `line 7`.

    `split` is the part that its maker put it into, None where the data set has no parts. `file` is the picture's name
    where a table names it, and `where` is a line of that.
    """

    where: str
    label: str
    data: bytes
    split: Split | None = None
    file: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """What the picture is called in the data set."""
        return self.file or self.where


@dataclass(frozen=True)
class Refused:
    """One row that can't be used. `code` is the stable name of the reason, `why` one sentence that says what to do."""

    where: str
    code: str
    why: str


@dataclass(frozen=True)
class TableRead:
    """How a table was read, in words: which column was the label, and what its pixels count to (`0..16`), or None where
    it names files."""

    label_column: str
    scale: str | None


# What a reader yields: rows, and what there is to tell of the data set beside them
Item = Row | Refused | PassedOver | TableRead


class RowRejected(Exception):
    """One row can't be used, the others can. Never leaves this package: readers yield `at(where)` instead."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code

    def at(self, where: str) -> Refused:
        """The row that says so."""
        return Refused(where, self.code, str(self))


def label_of(text: str) -> str:
    """A label without the blanks around it, in Unicode's composed form (macOS's file names are decomposed).

    Raises RowRejected for none, for more than 64 characters, and for characters that nobody sees.
    """
    label = unicodedata.normalize("NFC", text.strip())
    if not label:
        raise RowRejected("label_missing", "There is no label. Give the row one.")
    if len(label) > _LONGEST_LABEL:
        raise RowRejected("label_invalid", f"The label has more than {_LONGEST_LABEL} characters. Shorten it.")
    if any(unicodedata.category(character) in _INVISIBLE for character in label):
        raise RowRejected("label_invalid", "The label has control or invisible characters. Take them out.")
    return label


def missing(name: str) -> RowRejected:
    """What a row gets whose file is not there."""
    return RowRejected("file_missing", f"There is no file {shown(name)}. Put it there or take the row out.")
