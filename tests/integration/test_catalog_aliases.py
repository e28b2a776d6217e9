"""Aliases are given and taken away, and there is an end to them."""

import httpx


async def test_an_alias_is_taken_away_where_it_was_seen(client: httpx.AsyncClient) -> None:
    aliases = "/v1/models/digits/aliases"
    assert (await client.put(f"{aliases}/beta", json={"version": 1})).status_code == 200

    async def refused(alias: str, **expected: int) -> tuple[int, str]:
        answer = await client.delete(f"{aliases}/{alias}", params=expected)
        return answer.status_code, answer.json()["code"]

    assert await refused("beta", expected=2) == (409, "alias_moved")
    assert await refused("beta") == (422, "validation_failed")
    assert await refused("gamma", expected=1) == (404, "model_not_found")
    assert await refused("champion", expected=1) == (409, "alias_fixed")
    assert await refused("Beta", expected=1) == (422, "bad_model_name")
    gone = await client.delete(f"{aliases}/beta", params={"expected": 1})
    assert gone.json() == {"model": "digits", "aliases": {"champion": 1}}
    assert (await client.get("/v1/models/digits")).json()["aliases"] == ["champion"]


async def test_aliases_without_end_are_refused_and_can_be_taken_away(client: httpx.AsyncClient) -> None:
    aliases = "/v1/models/digits/aliases"
    answers = [await client.put(f"{aliases}/a{number}", json={"version": 1}) for number in range(40)]
    assert {answer.status_code for answer in answers} == {200, 409}
    assert answers[-1].json()["code"] == "too_many_aliases"
    assert (await client.put(f"{aliases}/a0", json={"version": 1, "expected": 1})).status_code == 200
    assert (await client.delete(f"{aliases}/a0", params={"expected": 1})).status_code == 200
    assert (await client.put(f"{aliases}/b", json={"version": 1})).status_code == 200
