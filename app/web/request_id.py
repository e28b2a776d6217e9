"""The id of a request: it stands in the log, in the answer's header and in each problem."""

import random
import re
from contextvars import ContextVar

HEADER = b"x-request-id"
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """Of the request being answered, empty outside one."""
    return _current.get()


def begin(given: bytes | None) -> str:
    """Names the request that this task answers: as the client does, unless that could break a log."""
    name = given.decode() if given is not None and _GIVEN.fullmatch(given) else new_request_id()
    _current.set(name)
    return name


def new_request_id() -> str:
    """An id for a request that brought none."""
    return new_id("req")


def new_id(kind: str) -> str:
    """A name that nothing else has: `req_…`, `pred_…`. Whoever guesses one gains nothing."""
    return f"{kind}_{random.getrandbits(64):016x}"
