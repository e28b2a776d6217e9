"""Who is next: clients take turns, lines have an end, and whoever leaves keeps nobody waiting."""

import asyncio

import pytest

from app.decoding.turns import Full, Late, Turns


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def in_line(turns: Turns, names: str) -> tuple[list[str], list[asyncio.Task[None]]]:
    """Tasks that wait, one for each letter, and the letters in the order in which they got their turn."""
    got: list[str] = []

    async def one(client: str) -> None:
        await turns.take(client)
        got.append(client)

    waiting = []
    for name in names:
        waiting.append(asyncio.create_task(one(name)))
        await settle()
    return got, waiting


async def test_clients_take_turns_whatever_order_they_came_in() -> None:
    turns = Turns()
    await turns.take("x")
    got, _ = await in_line(turns, "aaaabbc")
    assert turns.waiting == 7
    for client in "xabcabaa"[:-1]:
        turns.give(client)
        await settle()
    assert "".join(got) == "abcabaa"


async def test_whoever_came_while_another_had_its_turn_comes_before_its_next_one() -> None:
    turns = Turns()
    await turns.take("a")
    got, _ = await in_line(turns, "aab")
    for client in "aba":
        turns.give(client)
        await settle()
    assert "".join(got) == "baa"


async def test_one_client_alone_waits_for_nobody() -> None:
    turns = Turns(2)
    await turns.take("a")
    await turns.take("a")
    got, (third,) = await in_line(turns, "a")
    assert got == []
    turns.give("a")
    await third
    assert got == ["a"]


async def test_no_client_has_all() -> None:
    turns = Turns(3, at_once_each=2)
    got, waiting = await in_line(turns, "aaab")
    assert "".join(got) == "aab"
    turns.give("b")
    await settle()
    assert "".join(got) == "aab"  # the third of a waits for one of a
    turns.give("a")
    await asyncio.gather(*waiting)
    assert "".join(got) == "aaba"


async def test_lines_have_an_end() -> None:
    turns = Turns(max_waiting=3, max_waiting_each=2)
    await turns.take("x")
    _, waiting = await in_line(turns, "aa")
    with pytest.raises(Full):
        await turns.take("a")
    _, more = await in_line(turns, "b")
    with pytest.raises(Full):
        await turns.take("c")
    for one in (*waiting, *more):
        one.cancel()


async def test_whoever_leaves_the_line_keeps_nobody_waiting() -> None:
    turns = Turns()
    await turns.take("x")
    got, (first, second, third) = await in_line(turns, "abc")
    first.cancel()
    await settle()
    assert turns.waiting == 2
    turns.give("x")  # b's turn comes, and b leaves before it can take it
    second.cancel()
    await settle()
    assert got == ["c"] and third.done()
    turns.give("c")
    await turns.take("d")
    assert turns.waiting == 0


async def test_whoever_waited_too_long_is_told_before_the_turn_comes() -> None:
    now = [50.0]
    turns = Turns(clock=lambda: now[0])
    with pytest.raises(Late):
        await turns.take("a", 49.9)
    await turns.take("x", 50.0)
    with pytest.raises(Late):
        await turns.take("a", 50.01)
    assert turns.waiting == 0
    turns.give("x")
    await turns.take("a", 50.0)
