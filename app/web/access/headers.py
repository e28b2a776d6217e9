"""The headers that every answer carries: what a browser may do with it."""

# Those that a route sets itself win. An answer is what it says it is; as a page it loads nothing, runs nothing and is
# in no frame; whoever it links to learns nothing of it; no page of another origin has it as a picture or a script.
SAFE: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
