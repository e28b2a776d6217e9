"""What a job's stream of events says, read from its bytes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ENDS = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class JobEvent:
    """Something that happened to a job. `number` is what Last-Event-ID takes; `type` is `metrics` after each epoch."""

    number: str
    type: str
    level: str
    message: str
    data: Mapping[str, Any]

    @property
    def state(self) -> str | None:
        """The job's new state, where this is about one."""
        return str(self.data["state"]) if "state" in self.data else None

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it."""
        return self.type == "end" or self.state in _ENDS


class EventReader:
    """Cuts a text/event-stream (WHATWG HTML 9.2) whose data are JSON objects; others and comments are left."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, str] = {}

    def feed(self, chunk: bytes) -> Iterator[JobEvent]:
        """The events that end in these further bytes."""
        # Cut at line feeds only: httpx's own cutter also cuts at U+2028, which may stand in a message.
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            event = self._line(line.removesuffix(b"\r").decode("utf-8", "replace"))
            if event is not None:
                yield event

    def _line(self, line: str) -> JobEvent | None:
        if not line:
            fields, self._fields = self._fields, {}
            return _event(fields) if "data" in fields else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        goes_on = name == "data" and "data" in self._fields
        self._fields[name] = f"{self._fields['data']}\n{value}" if goes_on else value
        return None


def _event(fields: Mapping[str, str]) -> JobEvent:
    try:
        told = json.loads(fields["data"])
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    return JobEvent(
        fields.get("id", ""),
        str(told.get("type") or fields.get("event", "message")),
        str(told.get("level", "info")),
        str(told.get("message", "")),
        told.get("data") or {},
    )
