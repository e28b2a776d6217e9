"""The chain: each entry's digest is over all that it says and the digest of the entry before.

So nobody changes, removes or inserts an entry without changing every digest behind it. That proves nothing against
whoever may write the database: he can make all digests anew. It does where one digest is known elsewhere
(`digitserve audit check --expect`).
"""

import hashlib
import json
from dataclasses import asdict

from app.storage.audit.record import Details, LoggedAct

FIRST = "0" * 64  # in the place of a digest before the first entry


def as_text(details: Details) -> str:
    """The one spelling of details."""
    return json.dumps(details, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(previous: str, entry: LoggedAct) -> str:
    """SHA-256 of an entry, whatever digest it has, behind the one before it."""
    said = asdict(entry)
    del said["digest"]
    return hashlib.sha256(f"{previous}\n{as_text(said)}".encode()).hexdigest()


def last_digest(details: str) -> str | None:
    """What an entry says that let others go: the digest of the last of them."""
    try:
        found = json.loads(details).get("last_digest")
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None
