"""From which pages a browser may ask: the service's own, and those that the operator names."""

from collections.abc import Mapping, Sequence
from typing import Any


class Origins:
    """The origins that may ask."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = frozenset(allowed)

    def check(
        self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], answer: list[tuple[bytes, bytes]]
    ) -> bool:
        """Whether the request is a preflight, which needs no more than the headers that are added to `answer`.

        Raises Forbidden (`foreign_origin`).
        """
        return False
