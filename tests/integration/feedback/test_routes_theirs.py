"""An id is no proof: with a key that is for giving only, people see and delete what they gave themselves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from app.storage.db import Database
from app.web.access.scopes import ADMIN, FEEDBACK, PICTURES
from app.web.access.visitor import VISITOR, Visitor
from models_store.registry import Registry
from tests.support.correcting import FEEDBACK as PATH
from tests.support.correcting import Service, picture, serving


class Keyed:
    """Clients of one service, each with a key that allows one scope."""

    def __init__(self, service: Service, stack: AsyncExitStack) -> None:
        self.service = service
        self._stack = stack

    async def client(self, key: str, *scopes: str) -> httpx.AsyncClient:
        visitor = Visitor(f"key:{key}", key=key, scopes=frozenset(scopes))

        async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
            await self.service.app({**scope, VISITOR: visitor}, receive, send)

        transport = httpx.ASGITransport(admitted, raise_app_exceptions=False)
        return await self._stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test"))


@pytest.fixture
async def keyed(database: Database, registry: Registry, tmp_path: Path) -> AsyncIterator[Keyed]:
    async with AsyncExitStack() as stack:
        yield Keyed(await stack.enter_async_context(serving(database, registry, tmp_path / "state")), stack)


async def gives(client: httpx.AsyncClient, seed: int, label: str) -> dict[str, Any]:
    form: dict[str, Any] = {"files": {"file": ("x.png", picture(seed))}, "data": {"label": label, "read_as": "3"}}
    return dict((await client.post(PATH, **form)).json())


async def test_what_another_gave_is_not_there(keyed: Keyed) -> None:
    one, other = await keyed.client("a", FEEDBACK), await keyed.client("b", FEEDBACK)
    record = await gives(one, 1, "7")
    assert record["giver"] == "key:a"
    again = await gives(other, 1, "7")  # the same picture: the id, and nothing of the other
    assert (again["id"], again["giver"], again["read_as"]) == (record["id"], None, None)
    url = f"{PATH}/{record['id']}"
    for answer in (await other.get(url), await other.delete(url), await other.get(f"{url}/versions")):
        assert (answer.status_code, answer.json()["code"]) == (404, "feedback_not_found")
    assert (await one.get(url)).json()["giver"] == "key:a" and (await one.get(f"{url}/versions")).status_code == 200
    assert (await one.delete(url)).status_code == 200
    assert (await other.get(f"{url}/versions")).status_code == 404  # no job has learned it
    assert keyed.service.left() == []


async def test_who_gives_the_last_word_has_it(keyed: Keyed) -> None:
    one, other = await keyed.client("a", FEEDBACK), await keyed.client("b", FEEDBACK)
    url = f"{PATH}/{(await gives(one, 1, '7'))['id']}"
    assert (await gives(other, 1, "1"))["replaced"] == "7"
    assert (await one.delete(url)).status_code == 404 and (await other.delete(url)).status_code == 200


async def test_who_may_see_all_sees_all_and_deletes_nothing(keyed: Keyed) -> None:
    one, looks, rules = (
        await keyed.client("a", FEEDBACK), await keyed.client("b", PICTURES), await keyed.client("c", ADMIN)
    )  # fmt: skip
    url = f"{PATH}/{(await gives(one, 1, '7'))['id']}"
    assert (await looks.get(url)).json()["giver"] == "key:a" and (await looks.delete(url)).status_code == 404
    assert (await rules.get(url)).status_code == 200 and (await rules.delete(url)).status_code == 200
