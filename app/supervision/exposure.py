"""Whether a server may start at an address that others reach: only with a key, or where the operator insists."""

from app.settings import Settings
from app.storage.db import Database
from app.web.access.key_store import KeysFound, KeyStore


def count(settings: Settings, wait_seconds: float) -> KeysFound:
    """The keys of the settings' database, read within that time. Raises one of NOTHING_LASTS."""
    database = Database(settings.database, wait_seconds)
    try:
        return KeyStore(database).found()
    finally:
        database.close()


def refusal(settings: Settings, keys: KeysFound, *, is_local: bool) -> str | None:
    """Why it may not start, None where it may. `is_local` says that only this machine reaches its address."""
    if is_local or settings.insecure or keys.usable:
        return None
    lack = "every key of its database was revoked or has expired" if keys.ever_made else "there is no key"
    return (
        f"Others reach {settings.host}, and {lack}: make one with `digitserve keys create`, or set --insecure or "
        "DIGITSERVE_INSECURE=true where a firewall or a published port keeps them out."
    )
