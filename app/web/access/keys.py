"""What a key is: `ds_<id>_<secret>`. The id may be shown to anybody; of the whole key only the SHA-256 is kept, which
is enough for a secret that nobody can guess.
"""

import hashlib
import secrets
from dataclasses import dataclass

_ID_BYTES, _SECRET_BYTES = 8, 32
_ID_END = 3 + 2 * _ID_BYTES
LENGTH = _ID_END + 1 + 2 * _SECRET_BYTES  # characters, in hexadecimal: a double click takes all of it
_LONGEST_HEADER = 200  # bytes
_SCHEME = b"bearer"
_USUAL = b"Bearer ds_"
_USUAL_LENGTH = len(b"Bearer ") + LENGTH


@dataclass(frozen=True)
class KeyRow:
    """One key as it is kept; times are Unix seconds."""

    id: str
    name: str
    scopes: frozenset[str]
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None
    revoked_at: float | None = None


def new() -> str:
    """A key that nobody has."""
    return f"ds_{secrets.token_hex(_ID_BYTES)}_{secrets.token_hex(_SECRET_BYTES)}"


def id_of(key: str) -> str | None:
    """The id in what has the form of a key, None of anything else."""
    has_form = len(key) == LENGTH and key.startswith("ds_") and key[_ID_END] == "_" and key.isascii()
    return key[3:_ID_END] if has_form else None


def digest(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def shown(authorization: bytes) -> str | None:
    """The key in the value of a header `Authorization` (RFC 6750, 2.1), None where it can be none."""
    if len(authorization) == _USUAL_LENGTH and authorization.startswith(_USUAL) and authorization.isascii():
        return authorization[7:].decode("ascii")
    if len(authorization) > _LONGEST_HEADER:
        return None
    scheme, _, rest = authorization.partition(b" ")
    if scheme.lower() != _SCHEME or not rest.isascii():
        return None
    return rest.strip(b" ").decode("ascii")
