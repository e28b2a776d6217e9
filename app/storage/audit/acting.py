"""Who acts now: the entry of a request, a worker and a command say it once, and what is written into the audit log
reads it, however deep below.

It is kept per task and thread, as the id of a request is, and goes with work that is handed to a thread.
"""

import contextlib
import dataclasses
import os
import pwd
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

SERVICE = "service"  # the software by itself
LOCAL = "local"  # somebody on this machine, who showed no key
_LONGEST = 128  # characters of a name


@dataclass(frozen=True, slots=True)
class Actor:
    """`who` is `key:ID`, `local`, `user:NAME` (who typed a command), `worker:NAME`, `shadow` or `service`. Of an
    address it is empty, and `network` is what is never written as it is (app.storage.pseudonyms)."""

    who: str = SERVICE
    network: str | None = None
    request_id: str | None = None
    because: Mapping[str, str] = field(default_factory=dict)  # what had it act: a job, a comparison


_SOFTWARE = Actor()
_NOW: ContextVar[Actor] = ContextVar("actor", default=_SOFTWARE)


def acting() -> Actor:
    """Whoever acts in this task or thread; the software itself where nobody has said so."""
    return _NOW.get()


def act_as(actor: Actor) -> None:
    """From now on, in this task or thread, `actor` acts."""
    _NOW.set(actor)


@contextlib.contextmanager
def acting_as(who: str) -> Iterator[None]:
    """In the block somebody else acts, for the same request."""
    before = acting()
    act_as(dataclasses.replace(before, who=who, network=None))
    try:
        yield
    finally:
        act_as(before)


@contextlib.contextmanager
def because_of(**facts: str) -> Iterator[None]:
    """Entries that are written in the block have these facts too: `job="ftjob-…"`."""
    before = acting()
    act_as(dataclasses.replace(before, because={**before.because, **facts}))
    try:
        yield
    finally:
        act_as(before)


def as_system_user() -> None:
    """From now on, in this task or thread, whoever typed this command acts."""
    act_as(Actor(system_user()))


def system_user() -> str:
    """The user of this process, who typed this command."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:  # containers know few
        name = str(number)
    return f"user:{name}"[:_LONGEST]


def as_worker(name: str) -> None:
    """A worker acts, in this thread."""
    act_as(Actor(f"worker:{name}"[:_LONGEST]))
