"""The log as a person reads it on a terminal: sentences instead of facts. `text` and `json` leave nothing out."""

import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog

from app.logs.urls import from_here, url_of

_LONGEST = 500  # characters of one fact: a client chooses its path
_SENTENCES = {  # a Ctrl-C leaves ^C on the line: what comes after it starts with the line again
    "starting": "DigitServe {version} is starting ...",
    "waiting": "waiting: {why} ...",
    "version_loading": "loading {version} ...",
    "version_loaded": "loaded {version} ({candidate})",
    "request": "{time}  {method} {path}  {status}  {ms} ms",
    "job_claimed": "a training begins: job {job}",
    "job_left": "a training is over: `digitserve jobs show {job}` tells its end",
    "job_started": "a training is ordered: job {job}, because {why}",
    "stopping": "\rstopping: what is being answered is finished first. Ctrl-C again stops at once.",
    "stopped": "\rstopped",
}
_PROBLEMS = {
    "not_ready": "{why}",
    "version_refused": "{version} is refused: {why}",
    "previous_serves": "{version} answers in its place",
    "store_refuses": "the version that comes along could not be put into the store: {why}",
    "process_ended": "a process that {does} has ended (code {code}); another takes its place",
    "process_not_started": "no process that {does} could be started ({why}); trying again",
    "process_killed": "a process did not end by itself and was killed",
    "unforeseen": "something broke on our side; what follows says where",
}
_NOT_IN_WORDS = ("event", "level", "timestamp", "exception", "why")
_DOES = {"api": "answers", "worker": "trains"}


def is_worth_saying(record: logging.LogRecord) -> bool:
    """Problems, and those events that have a sentence; a library's small talk is neither."""
    event = record.msg.get("event") if isinstance(record.msg, dict) else None
    return record.levelno >= logging.WARNING or event == "listening" or event in _SENTENCES


def render(_: object, __: str, event_dict: structlog.typing.EventDict) -> str:
    """structlog's last processor: the sentence of an event, with the traceback where there is one."""
    level, event = str(event_dict.get("level", "info")), str(event_dict["event"])
    facts = {name: _harmless(value) for name, value in event_dict.items()}
    if not event.isidentifier():  # a library's message, which may be a whole traceback
        first, *rest = map(_printable, event.splitlines())
        # what goes on below begins no sentence of ours
        facts["event"] = "\n".join([first, *(line if line.startswith("  ") else f"  {line}" for line in rest)])
    sentence = _listening(facts) if event == "listening" else _sentence(event, facts)
    if level in ("warning", "error", "critical"):
        sentence = f"problem: {sentence}"
    return "\n".join([sentence, *filter(None, [event_dict.get("exception")])])


def _sentence(event: str, facts: Mapping[str, str]) -> str:
    made = {"time": time.strftime("%H:%M:%S"), "does": _DOES.get(facts.get("role", ""), "works"), "why": "see above"}
    sentence = _SENTENCES.get(event) or _PROBLEMS.get(event)
    if sentence:
        return sentence.format_map(_Known({**made, **facts}))
    rest = (f" {name}={value}" for name, value in facts.items() if name not in _NOT_IN_WORDS)
    what = (event.replace("_", " ") if event.isidentifier() else facts["event"]) + "".join(rest)
    return f"{what}: {facts['why']}" if "why" in facts else what


def _listening(facts: Mapping[str, str]) -> str:
    lines = [_state(facts)]
    place = urlsplit(facts["url"])
    url = url_of(from_here(place.hostname or ""), place.port or 80)
    lines.append(f"Open {url} in a browser. Ctrl-C stops it.")
    if url != facts["url"]:
        lines.append("Other machines of this network can open it too, under this machine's name.")
    return "\n".join(lines)


def _state(facts: Mapping[str, str]) -> str:
    if facts.get("ready") != "True":
        return "up, but not ready: no model answers. `digitserve doctor` says what to do."
    count = facts.get("workers", "1")
    processes = "1 process" if count == "1" else f"{count} processes"
    return f"ready: {facts.get('version')} answers ({facts.get('candidate')}, {processes})"


def _harmless(value: Any) -> str:
    """Nothing that a terminal would obey: a path may hold its control characters."""
    return _printable(str(value)[:_LONGEST])


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "?"
