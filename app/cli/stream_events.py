"""What a job's stream of events says, read from its bytes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StreamEvent:
    """One event of a job, as the stream gives it. `number` is what Last-Event-ID takes."""

    number: str
    type: str
    level: str
    message: str
    data: Mapping[str, Any]

    @property
    def state(self) -> str | None:
        """The job's new state, where this is about one."""
        return str(self.data["state"]) if "state" in self.data else None


def parse(chunks: Iterable[bytes]) -> Iterator[StreamEvent]:
    """The events of a text/event-stream (WHATWG HTML 9.2) whose data are JSON objects; others and comments are left."""
    fields: dict[str, str] = {}
    for line in _lines(chunks):
        if not line:
            if "data" in fields:
                yield _event(fields)
            fields = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        fields[name] = f"{fields['data']}\n{value}" if name == "data" and "data" in fields else value


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Cut at line feeds only: httpx's own cutter also cuts at U+2028, which may stand in a message."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")


def _event(fields: Mapping[str, str]) -> StreamEvent:
    try:
        told = json.loads(fields["data"])
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    return StreamEvent(
        fields.get("id", ""),
        str(told.get("type") or fields.get("event", "message")),
        str(told.get("level", "info")),
        str(told.get("message", "")),
        told.get("data") or {},
    )
