"""What a backup says of itself: `backup.json`, its last member, with the digest of every other one.

store/digits/aliases.json, store/digits/7/…   the versions
state/feedback/fb-…/picture.png               people's pictures and data sets, checkpoints of jobs that go on
blank/1                                       zeros, in the place of what was deleted while the backup was made
database.db                                   all rows, as SQLite, whichever database they come from
backup.json                                   this
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.errors import BackupRefused
from app.storage.private import KEPT
from models_store import records
from models_store.errors import RecordRejected
from models_store.records import sealed

FORMAT = 1
FILE, DATABASE = "backup.json", "database.db"
STORE, STATE, BLANK = "store", "state", "blank"
_DEEPEST, _LONGEST = 8, 200  # segments of a name, characters of one


@dataclass(frozen=True)
class KeptFile:
    """One member: how long it is, and its SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Contents:
    """All that is in one backup. `revision` is the database's; None where there was none yet."""

    created_at: str  # ISO 8601, UTC
    release: str  # of the software that made it
    source: str  # the kind of database that the rows come from
    revision: str | None
    rows: Mapping[str, int] = field(default_factory=dict)  # of each table
    files: Mapping[str, KeptFile]
    blank: Mapping[str, KeptFile] = field(default_factory=dict)  # deleted while it was made: there are only zeros
    lost: tuple[str, ...] = ()  # named by rows, and not there when it was made
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """The one spelling, with a digest over all of it."""
        return sealed.sealed(records.plain(self))

    @property
    def versions(self) -> list[str]:
        """The refs of the versions in it."""
        parts = (name.split("/") for name in self.files if name.startswith(f"{STORE}/"))
        return sorted(f"{part[1]}@{part[2]}" for part in parts if len(part) == 4 and part[3] == "manifest.json")

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(kept.bytes for kept in self.files.values())


def read(data: bytes) -> Contents:
    """What `to_bytes` wrote. Raises BackupRefused (`backup_damaged`, `backup_too_new`)."""
    document = sealed.opened(data)
    if document is None:
        raise damaged(f"its {FILE} is not what was written")
    if document.get("format") != FORMAT:
        raise too_new(str(document.get("release")))
    try:
        return records.read(Contents, {key: value for key, value in document.items() if key != "digest"})
    except RecordRejected:
        raise damaged(f"its {FILE} says what no release writes") from None


def check_name(name: str) -> str:
    """Returns the name of a member that may be in a backup. Raises BackupRefused (`backup_foreign`) for any other: it
    leads nowhere but into the store and the folders of the state."""
    top, *rest = name.split("/")
    is_ours = name in (FILE, DATABASE) or (
        (top == STORE and len(rest) >= 2)
        or (top == STATE and len(rest) >= 3 and rest[0] in KEPT)
        or (top == BLANK and len(rest) == 1)
    )
    if not is_ours or len(rest) > _DEEPEST or not all(map(is_segment, rest)):
        raise foreign()
    return name


def is_segment(text: str) -> bool:
    """Whether a file or a folder in a backup can be called that."""
    return 0 < len(text) <= _LONGEST and text.isprintable() and text[0] != "." and not set(text) & {"/", "\\", ":"}


def damaged(why: str) -> BackupRefused:
    """For a file that was a backup once."""
    return BackupRefused("backup_damaged", f"The backup is damaged: {why}. Nothing was restored; take another one.")


def foreign() -> BackupRefused:
    """For a file that never was one."""
    return BackupRefused(
        "backup_foreign", "The file is no backup that `digitserve backup` made. Nothing of it was used; name another."
    )


def too_new(release: str) -> BackupRefused:
    """For one that a later release has made."""
    by = f" ({release})" if release.isprintable() and len(release) <= 40 else ""
    return BackupRefused(
        "backup_too_new", f"The backup was made by a newer release{by}. Install that release to restore it."
    )
