"""Whom the service lets in, wired."""

from app.settings import Settings
from app.settings.environment import between_commas, networks
from app.storage.db import Database
from app.web.access.door import Door
from app.web.access.hosts import Hosts
from app.web.access.key_store import KeyStore
from app.web.access.keyring import Keyring
from app.web.access.known_keys import KnownKeys
from app.web.access.origins import Origins
from app.web.access.proxies import Proxies
from app.web.access.rates import Allowance, RateLimits
from app.web.access.shared_counts import SharedCounts

_KEYS_SECONDS = 2.0  # for the database to say which keys count


def keyring_of(settings: Settings, is_local: bool) -> Keyring:
    """Its database is its own: who waits for a connection of the others waits for no key."""
    store = KeyStore(Database(settings.database, _KEYS_SECONDS))
    return Keyring(KnownKeys(store), is_local=is_local, insecure=settings.insecure)


def door_of(settings: Settings, keyring: Keyring, counts: SharedCounts | None) -> Door:
    """Whom the service lets in."""
    return Door(
        Proxies(networks(settings.trusted_proxies), settings.root_path),
        Hosts(between_commas(settings.allowed_hosts), settings.host),
        Origins(between_commas(settings.allowed_origins)),
        keyring,
        RateLimits(Allowance(settings.rate_requests, settings.rate_concurrent, settings.rate_bytes), counts),
    )
