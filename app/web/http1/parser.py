"""llhttp, which passes over offers of other protocols.

Java's HttpClient and Spring send `Upgrade: h2c` with their requests. A server may ignore that (RFC 9110, 7.8), but
llhttp takes what follows such a head for the other protocol: the head is read once more without the offer.
"""

from array import array
from collections.abc import Iterable

import httptools


class Parser(httptools.HttpRequestParser):
    """Must be fed with a head alone, and with what follows afterwards."""

    def __init__(self, protocol: object) -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own parser

    def feed_data(self, data: "bytes | bytearray | memoryview[int] | array[int]") -> None:
        """Raises httptools.HttpParserError. Of an offer the protocol has heard when its head was complete."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade:
            return


def without_offer(method: bytes, url: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A head anew, without its offer of another protocol."""
    kept = [b"%b: %b\r\n" % header for header in headers if header[0] != b"upgrade"]
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, url, version.encode(), b"".join(kept))
