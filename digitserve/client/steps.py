"""What a method asks of its driver, and what it is answered.

Every method of the client is a generator of steps. It does no input or output itself: `sync` and `aio` take its steps
for it, one by waiting and one by awaiting, and throw httpx's TransportError into it where a step fails.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Repeat(Enum):
    """When a request may be sent again."""

    ALWAYS = "always"  # once or twice is the same to the server
    WHERE_REFUSED = "where refused"  # also after 503, which says that it was not done
    UNSENT = "unsent"  # only where the server never saw it, or refused it at its door with 429


@dataclass(frozen=True)
class Upload:
    """A file of a form. One at a path is read while it is sent."""

    field: str
    name: str
    content: bytes | Path


@dataclass(frozen=True)
class Ask:
    """One request. With `streams` its answer's body is left on the line, to be taken with `More`."""

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, object] | None = None
    content: bytes | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[Upload] = ()
    repeat: Repeat = Repeat.ALWAYS
    streams: bool = False


@dataclass(frozen=True)
class Reply:
    """The answer to `Ask`; header names are in lower case. `line` is the driver's, of one that streams."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    line: object = None


@dataclass(frozen=True)
class More:
    """The next bytes of a stream, none at its end."""

    line: object


@dataclass(frozen=True)
class HangUp:
    """No more of a stream is wanted."""

    line: object


@dataclass(frozen=True)
class Pause:
    """Wait so long."""

    seconds: float


Step = Ask | More | HangUp | Pause
Answer = Reply | bytes | None
Steps = Generator[Step, Answer, T]
