"""What an entry of the audit log says."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    """What was done. The words stay: they are kept for years."""

    PROMOTED = "version_promoted"  # the alias `champion` was moved
    ROLLED_BACK = "version_rolled_back"  # champion and previous changed places
    ALIAS_SET = "alias_set"
    ALIAS_REMOVED = "alias_removed"
    VERSION_MADE = "version_made"  # by a job
    VERSION_DELETED = "version_deleted"
    VERSIONS_PRUNED = "versions_pruned"
    SHADOW_STEPPED = "shadow_stepped"  # a comparison moved aliases: what it did follows as entries of their own
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    JOB_CREATED = "job_created"
    JOB_CANCELLED = "job_cancelled"
    JOB_PAUSED = "job_paused"
    JOB_RESUMED = "job_resumed"
    DATA_SET_DELETED = "data_set_deleted"
    CORRECTIONS_DELETED = "corrections_deleted"  # many at once
    CORRECTIONS_RELEASED = "corrections_released"
    PICTURES_EXPIRED = "pictures_expired"  # past their days
    SETTINGS_CHANGED = "settings_changed"
    BACKUP_MADE = "backup_made"
    BACKUP_RESTORED = "backup_restored"
    AUDIT_TRIMMED = "audit_trimmed"  # entries up to a number were deleted


class ActOutcome(StrEnum):
    """How it ended. `begun` stands alone where a crash, or a database that went away, came between."""

    BEGUN = "begun"  # of what is done to files; an entry with another outcome refers to it
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


Details = Mapping[str, object]  # what JSON can hold; no picture, no label, no text of a client's own


@dataclass(frozen=True, kw_only=True)
class LoggedAct:
    """One entry. `at` is Unix seconds of the database's clock; `number` counts from 1 without a gap."""

    number: int
    at: float
    who: str
    what: str
    target: str | None  # on what: a ref, an id
    outcome: str
    request_id: str | None
    refers_to: int | None  # the number of the entry that began it; of AUDIT_TRIMMED the last that was deleted
    details: str  # JSON, as it was hashed
    digest: str  # of this entry and of all before it
