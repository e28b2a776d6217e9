"""What a client is told where its bytes, or its time, are over before a route has seen them."""

from app.errors import BadRequest, NotReady
from app.web.http1.limits import HttpLimits


def malformed() -> BadRequest:
    """The bytes are no HTTP/1.1."""
    return BadRequest("request_malformed", "The request is no valid HTTP/1.1. Let your HTTP library write it.")


def no_proxy() -> BadRequest:
    """CONNECT."""
    return BadRequest("request_malformed", "This server is no proxy. Ask it for its own addresses.")


def headers_too_large(limits: HttpLimits) -> BadRequest:
    """The head, the trailers, or what stands around chunks; answered with 431."""
    most = f"{limits.head_bytes // 1024} KiB or {limits.head_lines} lines"
    return BadRequest("headers_too_large", f"The request has more than {most} of headers. Send fewer or shorter ones.")


def chunks_too_small() -> BadRequest:
    """Each chunk costs as much as a thousand bytes in one."""
    return BadRequest("chunks_too_small", "The body comes in very many tiny chunks. Send it in larger ones.")


def request_timeout() -> BadRequest:
    """Answered with 408."""
    return BadRequest("request_timeout", "The request came too slowly. Send it again, all of it without a break.")


def too_many_connections() -> NotReady:
    """Nobody has a place to give away."""
    return NotReady(
        "too_many_connections", "The server has as many connections as it can. Repeat the request in a few seconds."
    )
