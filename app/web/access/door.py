"""The door: what each request passes before anything reads it. In this order: who sent it, through which proxies; under
which name it came; from which page; with which key; how much its sender has asked already.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive

from app.errors import Forbidden, Unauthorized
from app.web.access.hosts import Hosts
from app.web.access.keyring import Keyring
from app.web.access.origins import Origins
from app.web.access.proxies import Proxies
from app.web.access.rates import RateLimits
from app.web.access.visitor import VISITOR, address_of, visitor_of

Header = tuple[bytes, bytes]


def _nothing() -> None:
    pass


@dataclass(slots=True)
class Passage:
    """One request on its way in and out. Whatever becomes of it, `headers` go with its answer and `leave` is called."""

    headers: list[Header] = field(default_factory=list)
    is_preflight: bool = False  # it asks only whether a page of another origin may ask: 204 and the headers
    leave: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Door:
    """All checks together; each is a module of this room."""

    proxies: Proxies
    hosts: Hosts
    origins: Origins
    keyring: Keyring
    rates: RateLimits

    async def admit(self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes], passage: Passage) -> None:
        """Puts the Visitor under VISITOR into the scope, or raises BadRequest (`bad_host`), Forbidden
        (`foreign_origin`, `scope_missing`), Unauthorized, RateExceeded, DatabaseUnavailable.

        `headers` are the scope's, by their names.
        """
        self.proxies.resolve(scope, headers)
        self.hosts.check(scope, headers)
        passage.is_preflight = self.origins.check(scope, headers, passage.headers)
        if passage.is_preflight:
            return
        try:
            visitor = await self.keyring.identify(scope, headers)
        except (Unauthorized, Forbidden):
            self.rates.failed(address_of(scope), passage.headers, scope["path"])  # who guesses keys soon has to wait
            raise
        passage.leave = self.rates.enter(visitor, headers, passage.headers, scope["path"])
        scope[VISITOR] = visitor

    def counted(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
        """What `receive` brings of a body, as the visitor's rates count it."""
        if not self.rates.counts_bodies:
            return receive
        return self.rates.counted(visitor_of(scope), headers, receive)
