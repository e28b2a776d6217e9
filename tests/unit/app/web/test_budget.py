"""Bytes that wait have a budget, of which nobody gets all."""

import contextlib
import math
import random
from dataclasses import dataclass, field

import pytest

from app.errors import AppError, NotReady
from app.web.budget import FREE, ByteBudget, Held, held_by, told

MIB = 2**20


def filled(budget: ByteBudget, client: str, piece: int = MIB) -> tuple[int, list[Held]]:
    """How much a client gets, a request after the other."""
    requests: list[Held] = []
    while True:
        held = Held(budget, client)
        try:
            held.add(FREE + piece)
        except NotReady as refusal:
            assert refusal.code == "too_busy"
            return piece * len(requests), requests
        requests.append(held)


def test_one_client_leaves_half_to_others() -> None:
    budget = ByteBudget(100 * MIB)
    assert filled(budget, "a")[0] == 50 * MIB == budget.held


def test_the_more_clients_the_less_each_and_always_something_is_left() -> None:
    budget = ByteBudget(256 * MIB)
    got = [filled(budget, str(number))[0] // MIB for number in range(6)]
    assert got == [128, 64, 32, 16, 8, 4] and budget.held == 252 * MIB


def test_the_end_of_a_request_gives_everything_back() -> None:
    budget = ByteBudget(10 * MIB)
    with Held(budget, "a") as held:
        held.add(5 * MIB)
        with pytest.raises(NotReady):
            held.add(4 * MIB)
        assert held.bytes == 5 * MIB and budget.held == 5 * MIB - FREE
        held.become(MIB)
        assert budget.held == MIB - FREE
    assert budget.held == 0 and not budget._held_by


def test_small_ones_always_pass() -> None:
    budget = ByteBudget(MIB)
    filled(budget, "a", 1000)
    held = [Held(budget, "a") for _ in range(1000)]
    for one in held:
        one.add(FREE)


@dataclass
class Slow:
    """One that sends at a rate, and notes what it is told."""

    bytes_a_second: float
    told: list[AppError] = field(default_factory=list)

    def rate(self) -> float:
        return self.bytes_a_second

    def end_body(self, refusal: AppError) -> None:
        self.told.append(refusal)


def test_where_it_is_short_the_slowest_bodies_give_way_to_a_faster_one() -> None:
    budget = ByteBudget(10 * MIB)
    slow = [Slow(rate) for rate in (3000, 1000, 2000, math.inf)]
    held = [Held(budget, f"slow {number}", one) for number, one in enumerate(slow)]
    for one in held:
        one.add(FREE + 2 * MIB)
    photograph = Held(budget, "honest", Slow(50_000))
    photograph.add(FREE + 3 * MIB)
    assert [len(one.told) for one in slow] == [0, 1, 1, 0] and budget.held == 7 * MIB
    assert isinstance(slow[1].told[0], NotReady) and slow[1].told[0].code == "too_busy"
    held[1].add(MIB)  # what was on its way
    assert budget.held == 7 * MIB
    for one in (*held, photograph):
        one.become(0)
    assert budget.held == 0 and not budget._held_by and not budget._arriving


def test_nobody_gives_way_to_a_slower_one_or_to_himself() -> None:
    budget = ByteBudget(10 * MIB)
    first, second = Held(budget, "a", Slow(2000)), Held(budget, "a", Slow(1000))
    first.add(FREE + 4 * MIB)
    for _ in range(2):
        with pytest.raises(NotReady):
            second.add(FREE + 3 * MIB)
    assert budget.held == 4 * MIB
    with pytest.raises(NotReady):
        first.add(2 * MIB)
    assert first.bytes == FREE + 4 * MIB


def test_it_adds_up_in_any_order() -> None:
    chance, budget = random.Random(5), ByteBudget(50 * MIB)
    requests = [Held(budget, str(number % 3)) for number in range(20)]
    for _ in range(5000):
        one = chance.choice(requests)
        with contextlib.suppress(NotReady):
            one.become(chance.choice((0, 1000, MIB, 3 * MIB)))
        assert budget.held == sum(max(0, each.bytes - FREE) for each in requests) <= 50 * MIB
    for one in requests:
        one.become(0)
    assert budget.held == 0 and not budget._held_by


def test_a_route_finds_what_its_request_holds_or_counts_for_itself() -> None:
    held = Held(ByteBudget(MIB), "a")
    assert held_by(told({"type": "http"}, held)) is held
    alone = held_by({"type": "http"})
    alone.add(10**12)
    assert alone.bytes == 10**12
