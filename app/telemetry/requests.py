"""Counts what is answered: no client makes a series by what it asks for."""

from collections.abc import Callable

from app.telemetry.instruments import OTHER, Labels
from app.telemetry.measures import Measures

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_MOST_KNOWN = 512
_CLIENT_LEFT = 499  # where no answer has begun


class RequestCounts:
    """Of one process. `now` are the requests that are being answered."""

    def __init__(self, measures: Measures, route: Callable[[str, str], str]) -> None:
        """`route` gives the template of the route that a method and path are for; empty where there is none."""
        self.now = 0
        self._measures = measures
        self._route = route
        self._known: dict[tuple[str, str, int], tuple[Labels, Labels]] = {}
        measures.requests_now.read = lambda: {(): self.now}

    def answered(self, method: str, path: str, status: int, code: str, seconds: float) -> None:
        """One was, with a problem of this code where it has one."""
        labels = self._known.get((method, path, status)) or self._labels(method, path, status)
        self._measures.requests.add(labels[0])
        self._measures.request_seconds.observe(labels[1], seconds)
        if code:
            self._measures.refusals.add((code,))

    def _labels(self, method: str, path: str, status: int) -> tuple[Labels, Labels]:
        route = self._route(method, path)
        told = (method if method in _METHODS else OTHER, route or OTHER)
        labels = (*told, str(status or _CLIENT_LEFT)), told
        if route == path and len(self._known) < _MOST_KNOWN:
            self._known[method, path, status] = labels
        return labels
