"""Takes a method's steps by hand: no server, no clock, no waiting."""

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from digitserve.client.steps import Answer, Reply, Step, Steps

T = TypeVar("T")


def driven(steps: Steps[T], answers: Iterable[Answer | Exception]) -> tuple[T, list[Step]]:
    """What comes of the steps where they are answered so, one after another, and what they were."""
    asked: list[Step] = []
    left = iter(answers)
    try:
        step = next(steps)
        while True:
            asked.append(step)
            answer = next(left)
            step = steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)
    except StopIteration as end:
        assert next(left, None) is None, "there were more answers than steps"
        return end.value, asked


def reply(content: Any = None, status: int = 200, **headers: str) -> Reply:
    """An answer in JSON."""
    body = b"" if content is None else json.dumps(content).encode()
    return Reply(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


def problem(status: int, code: str = "any", **headers: str) -> Reply:
    """An error as the service writes it."""
    return reply({"detail": "Do it otherwise.", "code": code}, status, **headers)
