"""Whether a body comes fast enough: in rests and at a walk, as over a telephone, but not for ever."""

import math

from app.web.http1.limits import HttpLimits

_LATELY = 10.0  # seconds: what came before counts ever less


class Pace:
    """A body's patience: each second uses one up, each `body_rate` bytes give one back, and it never has more than
    `body_seconds`. So whoever keeps to the rate may also rest, and whoever trickles is through in little more.
    """

    def __init__(self, limits: HttpLimits, now: float) -> None:
        self._limits = limits
        self._first = self._began = self._last = now
        self._patient_until = now + limits.body_seconds
        self._bytes = 0
        self._lately = 0.0  # bytes, faded until the last ones came

    def came(self, count: int, now: float) -> None:
        """So many bytes have come."""
        self._bytes += count
        self._lately = self._faded(now) + count
        self._last = now
        longest = now + self._limits.body_seconds
        self._patient_until = min(longest, self._patient_until + count / self._limits.body_rate)

    def rest(self, now: float, seconds: float) -> None:
        """In the last `seconds` nobody would have read what came."""
        self._began += seconds
        self._patient_until = now + self._limits.body_seconds

    def is_over(self, now: float) -> bool:
        """Whether it has been too slow."""
        whole = self._limits.whole_seconds + self._bytes / self._limits.whole_rate
        return now > self._patient_until or now - self._began > whole

    def rate(self, now: float) -> float:
        """Bytes a second lately: whoever sent much at once and trickles since is slow."""
        seconds = _LATELY * -math.expm1(-max(now - self._first, 1.0) / _LATELY)
        return self._faded(now) / seconds

    def _faded(self, now: float) -> float:
        return self._lately * math.exp((self._last - now) / _LATELY)
