"""How long a line of the log gets, and that nothing of what clients sent is in it: an error's text quotes what it was
given, so what stands between quotes is left out, and the place in the code says the rest.
"""

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import structlog

from models_store.text import shown

LINE_BYTES = 8192  # of one line, with the traceback in it
_VALUE = 800  # characters of one fact
_VALUES = (_VALUE, 200, 40)  # tried in turn until the line is short enough: JSON makes six characters of some
_PATH = 200  # of an address that a client chose
_TRACEBACK = 5  # times that much
_MESSAGE = 200  # characters of an error's own text
_ALWAYS = "event", "level", "timestamp", "exception"
_FACTS = 40  # besides
_CAUSES = 4  # errors behind an error, and in a group of them
_QUOTED = re.compile(r"""(?<!\w)[bru]{0,2}(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*(?:'(?!\w)|$)|`[^`]*`?)""")

Raised = tuple[type[BaseException], BaseException, TracebackType | None]


class Bounded:
    """structlog's last processor: a renderer whose lines have an end."""

    def __init__(self, render: structlog.typing.Processor) -> None:
        self._render = render

    def __call__(self, logger: Any, name: str, event_dict: structlog.typing.EventDict) -> str:
        names = [*_ALWAYS, *[name for name in event_dict if name not in _ALWAYS][:_FACTS]]
        for longest in _VALUES:
            facts = {name: _bounded(name, event_dict[name], longest) for name in names if name in event_dict}
            line = str(self._render(logger, name, facts))
            if len(line.encode(errors="backslashreplace")) <= LINE_BYTES:
                return line
        return str(self._render(logger, name, {"event": "line_too_long", "level": str(event_dict.get("level"))}))


def printable(_: Any, __: str, event_dict: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """For lines that no format protects: nothing in a fact begins another line or steers a terminal."""
    return {
        key: shown(value, longest=len(value)) if isinstance(value, str) and key != "exception" else value
        for key, value in event_dict.items()
    }


def without_input(_: Any, __: str, event_dict: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What a library says may quote what it was given."""
    if not event_dict.get("_from_structlog", True):
        event_dict["event"] = "\n".join(_without_input(str(event_dict.get("event", "")).splitlines()))
    return event_dict


def raised(exc_info: Raised) -> str:
    """A traceback without anybody's values: places in the code, kinds of errors, and the first line of what each says,
    without what is quoted in it."""
    return "\n".join(_told(exc_info[1], exc_info[2], _CAUSES, set()))


def unquoted(text: str) -> str:
    """One line of an error's text without what it quotes."""
    return shown(_QUOTED.sub("'…'", text), longest=_MESSAGE)


def _without_input(lines: Sequence[str]) -> Iterator[str]:
    is_code = False  # of a traceback: where, and below it what stands there
    for line in lines:
        is_code = line.startswith('  File "') or (is_code and line.startswith("    "))
        yield line[:_MESSAGE] if is_code else unquoted(line)


def _told(error: BaseException, trace: TracebackType | None, left: int, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and left > 0 and id(cause) not in seen:
        yield from _told(cause, cause.__traceback__, left - 1, seen)
        yield "... and then:"
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(trace)).rstrip("\n")
    yield f"{type(error).__qualname__}: {_message(error)}"
    if isinstance(error, BaseExceptionGroup):
        for each in [one for one in error.exceptions[:_CAUSES] if id(one) not in seen]:
            yield "... in it:"
            yield from _told(each, each.__traceback__, left - 1, seen)


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:  # its file is one of ours: no client names one
        return shown(f"{error.strerror}: {error.filename}" if error.filename else error.strerror, longest=_MESSAGE)
    try:
        return unquoted(str(error).partition("\n")[0])  # what follows has statements, and details of rows
    except Exception:  # an error that can't be spelled
        return "…"


def _bounded(key: str, value: object, longest: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value if len(str(value)) <= longest else _cut(str(value), longest)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if key == "exception":
        return _cut(str(value), _TRACEBACK * longest)
    if isinstance(value, Mapping | list | tuple):
        text = repr(value)
        return value if len(text) <= longest else _cut(text, longest)
    return _cut(str(value), min(longest, _PATH) if key == "path" else longest)


def _cut(text: str, longest: int) -> str:
    """The two ends of a text that is too long: an error's end says the most."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} … {len(text) - 2 * half:,} characters … {text[-half:]}"
