"""All that a client can do, once: `sync` and `aio` bind these methods each in its own way."""

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import TypeVar

from digitserve.client.address import spelled
from digitserve.client.exchange import Exchange
from digitserve.client.reading import Catalog, Readers
from digitserve.client.steps import Steps
from digitserve.client.teaching import Teachers

F = TypeVar("F", bound=Callable[..., object])


class Methods(Readers, Catalog, Teachers):
    """Those that are written as steps."""

    def __init__(self, base_url: str, retry_seconds: float) -> None:
        super().__init__(Exchange(spelled(base_url), retry_seconds))


def shown(call: F, method: Callable[..., Steps[object]]) -> F:
    """The bound method with the name and the words of its source. `help` says what it gives, which is not the steps."""
    update_wrapper(call, method)
    signature = inspect.signature(method)
    call.__signature__ = signature.replace(return_annotation=signature.return_annotation.__args__[2])  # type: ignore[attr-defined]
    return call
