"""What lies beside pictures and is none: what systems add, hidden files, notes. It is passed over and counted."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal["hidden", "system", "no_picture", "unlisted"]

_SYSTEM_FOLDERS = frozenset(
    ("__macosx", "$recycle.bin", "recycler", "#recycle", "@eadir", "@tmp", "#snapshot", "lost+found",
     "system volume information", "__pycache__")
)  # fmt: skip
_SYSTEM_FILES = frozenset(("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r"))
_NOTES = (
    ".txt", ".md", ".rst", ".rtf", ".pdf", ".doc", ".docx", ".odt", ".csv", ".tsv", ".xls", ".xlsx", ".ods", ".json",
    ".jsonl", ".ndjson", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".html", ".htm", ".py", ".ipynb",
    ".sh", ".bat", ".url", ".lnk", ".sha256", ".md5", ".bib",
)  # fmt: skip
_NOTE_NAMES = frozenset(("readme", "license", "licence", "copying", "notice", "authors", "citation", "makefile"))


@dataclass(frozen=True)
class PassedOver:
    """A file, or a whole folder where the name ends in a slash, that is no row of a data set.

    `reason`: `hidden` begins with a dot, `system` is what an operating system or a network drive adds, `no_picture` is
    a text or a table beside the pictures, `unlisted` is a file that the table of labels does not name.
    """

    name: str
    reason: Reason


def clutter(name: str) -> Reason | None:
    """Why a file is none of a person's own, or None: `name` is relative, with slashes. Its folders count too."""
    *folders, file = name.rstrip("/").casefold().split("/")
    if _SYSTEM_FOLDERS & {*folders, file} or file in _SYSTEM_FILES:
        return "system"
    return "hidden" if any(part.startswith(".") for part in (*folders, file)) else None


def is_clutter(name: str) -> bool:
    """Whether `clutter` has a reason."""
    return clutter(name) is not None


def is_note(name: str) -> bool:
    """Whether a file's name says that it holds no picture: a text, a table, a program."""
    file = name.rpartition("/")[2].casefold()
    return file.endswith(_NOTES) or file in _NOTE_NAMES
