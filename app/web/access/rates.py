"""How much one visitor may ask: requests a second, requests at once, bytes of bodies a second.

Each rate is a leaky bucket that is one number, the time at which it will have run empty (the generic cell rate
algorithm, ITU-T I.371): a visitor may use about a second's worth at once, and at least one request. What a body has
beyond a second's worth is owed as it comes, and no other body is let in until that has been paid.

What remains is said with each answer, as draft-ietf-httpapi-ratelimit-headers-11 has it.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import Message, Receive

from app.errors import RateExceeded
from app.web.access.shared_counts import SharedCounts
from app.web.access.visitor import Visitor

# Who watches the service, and what its pages are made of: one page is a dozen requests.
_UNLIMITED = ("/healthz", "/readyz", "/metrics")
_FILES = "/ui/"

_SECOND = 10**9  # nanoseconds
_LONGEST = 365 * 24 * 3600 * _SECOND  # nobody waits longer, whatever the rate and the debt
_MOST = 10**15 - 1  # of a whole number in a header (RFC 9651, 3.3.1)
_LEFT = b"ratelimit"
_LENGTH = b"content-length"
_CHUNKED = b"transfer-encoding"

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one visitor may have; 0 is any number."""

    requests: float = 0.0  # a second
    at_once: int = 0
    bytes: int = 0  # of bodies, a second

    def spelled(self) -> "Allowance":
        """In numbers that a header can say: nobody uses up the largest, and the smallest is one request a year."""
        requests = self.requests and max(self.requests, _SECOND / _LONGEST)
        return Allowance(min(requests, _MOST), min(self.at_once, _MOST), min(self.bytes, _MOST))

    def __bool__(self) -> bool:
        return bool(self.requests or self.at_once or self.bytes)


class RateLimits:
    """What each visitor has used of the rates."""

    def __init__(
        self,
        rates: Allowance | None = None,
        counts: SharedCounts | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Without rates nothing is counted; without `counts` this process counts for itself. The clock is in
        nanoseconds."""
        self._rates = (rates or Allowance()).spelled()
        self._is_on = bool(self._rates)
        self.counts_bodies = self._rates.bytes > 0  # whether `counted` has anything to count
        self._clock = clock
        if not self._is_on:
            return
        self._counts = counts or SharedCounts.alone()
        self._at_once, self._bytes = self._rates.at_once, self._rates.bytes
        # from request to request, and what may come at once, in nanoseconds
        self._pause = max(1, int(_SECOND / self._rates.requests)) if self._rates.requests else 0
        self._burst = max(_SECOND, self._pause)
        self._policy = b"ratelimit-policy", _policy(self._rates)
        self._left = _left(self._rates)

    def enter(
        self, visitor: Visitor, headers: Mapping[bytes, bytes], answer: list[Header], path: str
    ) -> Callable[[], None]:
        """Counts a request, and gives what to call when it is answered. Adds the standard's headers to `answer`.

        Raises RateExceeded (`rate_exceeded`, `too_many_at_once`, `too_many_bytes`); such a request is not counted.
        """
        if not self._is_on or path in _UNLIMITED or path.startswith(_FILES):
            return _nothing
        counts, now = self._counts, self._clock()
        place = counts.known.get(visitor.client)
        if place is None:
            place = counts.place(visitor.client)
        answer.append(self._policy)
        left: tuple[int, ...] = ()
        if self._at_once:
            free = self._at_once - counts.at_once(place)
            if free <= 0:
                raise self._too_many_at_once(answer)
            left = (free - 1,)
        if self._pause:
            empty = counts.requests[place]
            if empty < now:
                empty = now
            empty += self._pause
            free = self._burst - (empty - now)
            if free < 0:
                raise self._too_many_requests(-free, answer)
            left += self._left_of_requests(free)
        if self._bytes:
            left += self._take_bytes(place, now, headers, answer)
        if self._pause:
            counts.requests[place] = empty
        answer.append((_LEFT, self._left % left))
        return counts.come(place) if self._at_once else _nothing

    def failed(self, address: str, answer: list[Header], path: str) -> None:
        """Counts a request that showed no key, or a wrong one, for the address that it came from.

        Raises RateExceeded. A right key is none of these: nobody is kept out by a neighbour who guesses. Guessing a key
        of 32 random bytes leads nowhere at any rate; what is limited is the work that it makes.
        """
        self.enter(Visitor(address), {}, answer, path)()

    def counted(self, visitor: Visitor, headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
        """What `receive` brings; what `enter` has not counted of a body is counted while it comes."""
        rate = self._rates.bytes
        if not rate or (_CHUNKED not in headers and _length(headers) <= rate):
            return receive
        place = self._counts.place(visitor.client)
        paid = min(_length(headers), rate)

        async def counted() -> Message:
            nonlocal paid
            message = await receive()
            count = len(message.get("body", b""))
            if count > paid:
                now = self._clock()
                owed = max(self._counts.bytes[place] - now, 0) + (count - paid) * _SECOND // rate
                self._counts.bytes[place] = now + min(owed, _LONGEST)
            paid = max(0, paid - count)
            return message

        return counted

    def _left_of_requests(self, free: int) -> tuple[int, int]:
        """How many requests may come now, and the seconds until one more may."""
        whole, rest = divmod(free, self._pause)
        return whole, 1 if self._pause <= _SECOND else _seconds(self._pause - rest)

    def _take_bytes(
        self, place: int, now: int, headers: Mapping[bytes, bytes], answer: list[Header]
    ) -> tuple[int, int]:
        """What a body says of its length is owed at once, up to a second's worth: what never comes costs a neighbour
        behind the same address no more than that. Gives how many bytes may come now, and the seconds until more may.
        """
        rate, paid = self._bytes, self._counts.bytes[place]
        if paid < now:
            paid = now
        count = _length(headers) if _LENGTH in headers else 0
        if count or _CHUNKED in headers:
            if paid - now >= _SECOND:
                raise self._too_many_bytes(paid - now, answer)
            paid += min(count, rate) * _SECOND // rate
            self._counts.bytes[place] = paid
        free = _SECOND - (paid - now)
        return (free * rate // _SECOND, 1) if free > 0 else (0, _until_let_in(paid - now))

    def _too_many_at_once(self, answer: list[Header]) -> RateExceeded:
        answer.append((_LEFT, b'"at-once";r=0'))
        most = f"{self._rates.at_once} of your requests are being answered"
        return RateExceeded("too_many_at_once", f"{most}. Wait for one of them.", 1)

    def _too_many_requests(self, wait: int, answer: list[Header]) -> RateExceeded:
        seconds = _seconds(wait)
        answer.append((_LEFT, b'"requests";r=0;t=%d' % seconds))
        rate = f"These are more requests than {self._rates.requests:g} a second"
        return RateExceeded("rate_exceeded", f"{rate}. Send the next one in {seconds} s.", seconds)

    def _too_many_bytes(self, owed: int, answer: list[Header]) -> RateExceeded:
        seconds = _until_let_in(owed)
        answer.append((_LEFT, b'"bytes";r=0;t=%d' % seconds))
        rate = f"You have sent more than {self._rates.bytes} bytes a second"
        return RateExceeded("too_many_bytes", f"{rate}. Send the next body in {seconds} s.", seconds)


def _left(rates: Allowance) -> bytes:
    """The value of RateLimit, in which the numbers are left out."""
    at_once = [b'"at-once";r=%d'] if rates.at_once else []
    requests = [b'"requests";r=%d;t=%d'] if rates.requests else []
    return b", ".join(at_once + requests + ([b'"bytes";r=%d;t=%d'] if rates.bytes else []))


def _until_let_in(owed: int) -> int:
    """Whole seconds: of what is owed, just less than a second's worth may stay."""
    return _seconds(owed - _SECOND + 1)


def _seconds(wait: int) -> int:
    """Nanoseconds as whole seconds, rounded up: whoever waits so long has not come too early."""
    return -(-wait // _SECOND)


def _length(headers: Mapping[bytes, bytes]) -> int:
    """What a body says of its length; 0 where it says nothing that counts."""
    length = headers.get(_LENGTH, b"")
    return int(length) if length.isdigit() and len(length) < 20 else 0


def _policy(rates: Allowance) -> bytes:
    """The value of RateLimit-Policy, whose numbers are whole: never more than what is let in."""
    parts = []
    if rates.at_once:
        parts.append(f'"at-once";q={rates.at_once};qu="concurrent-requests"')
    if rates.requests:
        quota = max(1, int(rates.requests))
        parts.append(f'"requests";q={quota};w={math.ceil(round(quota / rates.requests, 6))}')
    if rates.bytes:
        parts.append(f'"bytes";q={rates.bytes};qu="content-bytes";w=1')
    return ", ".join(parts).encode()


def _nothing() -> None:
    pass
