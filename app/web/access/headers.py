"""The headers that every answer carries: what a browser may do with it."""

SAFE: tuple[tuple[bytes, bytes], ...] = ()  # those that a route sets itself win
