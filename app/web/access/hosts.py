"""Under which names the service may be asked: one that was rebound to this machine's address by a page is none."""

from collections.abc import Mapping, Sequence
from typing import Any


class Hosts:
    """The names that a Host header may have."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = tuple(allowed)

    def check(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> None:
        """Raises BadRequest (`bad_host`)."""
