"""Work that is worth doing only while somebody waits for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Scope

CONNECTION = "digitserve.connection"  # of a scope: the ClientConnection that the request came on
T = TypeVar("T")


class ClientConnection(Protocol):
    """The way to the client of one request."""

    def when_gone(self, leave: Callable[[], None] | None) -> None:
        """Calls `leave` once, where and as soon as the client has gone; None takes that back."""


async def while_connected(scope: Scope, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled where the client goes away first; then raises ClientDisconnect.

    A scope without a connection has a client that stays.
    """
    connection: ClientConnection | None = scope.get(CONNECTION)
    if connection is None:
        return await work
    task, has_begun, has_gone = asyncio.current_task(), False, False
    assert task is not None, "a request is answered in a task"

    def leave() -> None:
        nonlocal has_gone
        has_gone = True
        if has_begun:
            task.cancel()

    connection.when_gone(leave)
    if has_gone:
        work.close()
        raise ClientDisconnect
    has_begun = True
    try:
        return await work
    except asyncio.CancelledError:
        if not has_gone or task.uncancel():  # others want its end too
            raise
        raise ClientDisconnect from None
    finally:
        connection.when_gone(None)
