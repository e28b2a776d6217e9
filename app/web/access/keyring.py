"""Who may ask for what: whose key a request shows, and whether that is enough. A server that was never given a key is
open to its own machine.
"""

import contextlib
import functools
import hmac
from collections.abc import Mapping
from typing import Any

from app.errors import NOTHING_LASTS, Forbidden, Unauthorized
from app.web.access import keys
from app.web.access.known_keys import KnownKey, KnownKeys, Snapshot
from app.web.access.loopback import is_elsewhere
from app.web.access.proxies import PROXIED
from app.web.access.scopes import OPEN, PREDICT, allows, is_named, lacking, needed
from app.web.access.visitor import Visitor, address_of

_AUTHORIZATION = b"authorization"
# What proxies add. Whoever asks directly has no reason to; and who adds one all the same is only asked for a key.
_OF_PROXIES = frozenset(
    b"""
    forwarded via x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port x-forwarded-server
    x-forwarded-prefix x-forwarded-ssl x-forwarded-scheme x-original-forwarded-for x-original-host x-real-ip x-client-ip
    x-cluster-client-ip x-envoy-external-address x-request-start x-varnish x-amzn-trace-id front-end-https cdn-loop
    true-client-ip cf-connecting-ip fastly-client-ip
    """.split()
)
_NOTHING: frozenset[str] = frozenset()  # what who asks for an open path may do beyond it
_READING = frozenset({PREDICT})
_MOST_CHECKED = 1024
_NO_DIGEST = "0" * 64  # an unknown key takes as long as a wrong one

_MISSING = "This needs a key. Send one as `Authorization: Bearer ds_…`; `digitserve keys create` makes one."
_PASSED_ON = (
    "This server was never given a key, so it answers only who asks it directly, on its own machine. Make one with "
    "`digitserve keys create`, and send it as `Authorization: Bearer ds_…`."
)
_INVALID = (
    "What was sent as `Authorization` is no key that counts: it is not known here, was revoked or has expired. Send "
    "another as `Authorization: Bearer ds_…`."
)
_NO_ROUTE = (
    "No route takes this method and path: look at /docs. What no route takes is told only to a key that allows `admin`."
)


class Keyring:
    """The door's check of keys."""

    def __init__(self, known: KnownKeys, *, is_local: bool, insecure: bool = False) -> None:
        """`is_local` says that the server listens where only this machine reaches it; `insecure`, that everybody may
        ask a server without keys."""
        self._known = known
        self._is_local = is_local
        self._insecure = insecure

    async def identify(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Visitor:
        """Who asks. Raises Unauthorized, Forbidden (`scope_missing`), and one of NOTHING_LASTS where it is not known
        whether there are keys."""
        scope_needed = needed(scope["method"], scope["path"])
        if scope_needed == OPEN:
            return _anybody(address_of(scope), _is_direct(scope, headers), _NOTHING)
        is_direct = _is_direct(scope, headers)
        is_open = self._insecure or (self._is_local and is_direct)  # as long as there are no keys
        try:
            snapshot = await self._known.now()
        except NOTHING_LASTS:  # pictures are read without a database, for those who need none on most such servers
            if is_open and scope_needed == PREDICT and not self._known.had_keys:
                return _anybody(address_of(scope), is_direct, _READING)
            raise
        if not snapshot.ever_made:
            if is_open:
                return _anybody(address_of(scope), is_direct, None)
            raise Unauthorized("key_missing", _PASSED_ON if self._is_local else _MISSING)
        is_plain = len(headers) == len(scope["headers"])
        known = snapshot.checked.get(headers.get(_AUTHORIZATION, b"")) if is_plain else None
        key_id, found = known or _checked(scope, headers, snapshot)
        if found.ends <= self._known.clock():
            raise Unauthorized("key_invalid", _INVALID)
        if not allows(found.scopes, scope_needed):
            if is_named(scope["method"], scope["path"]):
                raise lacking(scope_needed)
            raise Forbidden("scope_missing", _NO_ROUTE)
        self._known.used(key_id)
        return found.local_visitor if is_direct else found.visitor

    async def counts(self, visitor: Visitor) -> bool:
        """Whether who was let in so would be let in still: answers that take long ask now and then."""
        try:
            snapshot = await self._known.now()
        except NOTHING_LASTS:
            return False
        if visitor.key is None:
            return not snapshot.ever_made
        found = snapshot.keys.get(visitor.key)
        return found is not None and found.ends > self._known.clock()

    async def begin(self) -> None:
        """Reads the keys for the first time, so that nobody has to wait; where that fails, requests try again."""
        with contextlib.suppress(*NOTHING_LASTS):
            await self._known.now()

    def knows(self) -> bool:
        """Whether it is known who may have pictures read; where a look is due it is done. Call it in the event loop."""
        return self._known.are_known() or ((self._is_local or self._insecure) and not self._known.had_keys)

    def close(self) -> None:
        """Lets go of the database."""
        self._known.close()


def _checked(scope: Mapping[str, Any], headers: Mapping[bytes, bytes], snapshot: Snapshot) -> tuple[str, KnownKey]:
    """The id of the key that a request shows, and the key. Raises Unauthorized."""
    key = _shown(scope, headers)
    key_id = keys.id_of(key) if key else None
    found = snapshot.keys.get(key_id) if key_id else None
    is_right = hmac.compare_digest(keys.digest(key or ""), found.sha256 if found else _NO_DIGEST)
    if found is None or key_id is None or not is_right:
        raise Unauthorized("key_invalid", _INVALID)
    if len(snapshot.checked) < _MOST_CHECKED:  # there are many ways to spell one
        snapshot.checked[headers[_AUTHORIZATION]] = key_id, found
    return key_id, found


def _shown(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> str | None:
    """What a request shows as its key, None where that can be none. Raises Unauthorized where it shows nothing."""
    value = headers.get(_AUTHORIZATION)
    if value is None:
        raise Unauthorized("key_missing", _MISSING)
    lines = scope["headers"]
    if len(headers) < len(lines) and [name for name, _ in lines].count(_AUTHORIZATION) > 1:
        return None
    return keys.shown(value)


def _is_direct(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bool:
    """Whether whoever asks is on this machine, and asks through no proxy."""
    client = scope.get("client")
    if client is None or is_elsewhere(client[0]):
        return False
    return PROXIED not in scope and _OF_PROXIES.isdisjoint(headers)


@functools.lru_cache(4096)
def _anybody(address: str, is_local: bool, scopes: frozenset[str] | None) -> Visitor:
    return Visitor(address, is_local=is_local, scopes=scopes)
