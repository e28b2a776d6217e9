"""Whom a request really comes from, where proxies that the operator trusts have passed it on."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any


class Proxies:
    """The proxies whose word counts."""

    def __init__(self, trusted: Sequence[str] = (), root_path: str = "") -> None:
        self._trusted = tuple(trusted)
        self._root_path = root_path

    def resolve(self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes]) -> None:
        """Puts the client's own address and scheme into the scope, where a trusted proxy names them."""
