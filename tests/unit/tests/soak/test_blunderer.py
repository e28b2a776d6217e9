"""What the soak expects of bad input is what a quiet service says to it."""

import httpx

from tests.soak.blunderer import blunders


async def test_each_blunder_is_answered_as_expected(client: httpx.AsyncClient) -> None:
    for one in blunders():
        answer = await client.request(one.method, one.path, content=one.body, headers=dict(one.headers))
        assert (answer.status_code, answer.json()["code"]) == (one.status, one.code), f"{one.method} {one.path}"
