"""How many of one giver's corrections a job learns, and which."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.feedback.share import ALWAYS, taken
from app.feedback.tables import Correction

SHARE = 0.25


def correction(number: int, giver: str | None, label: str = "7", job: str | None = None) -> Correction:
    return Correction(
        id=f"fb-{number}", created_at=number, changed_at=number, model="digits", label=label, read_by=None,
        read_as=None, sha256="0" * 64, bytes=1, width=28, height=28, job=job, giver=giver,
    )  # fmt: skip


def made(**counts: int) -> list[Correction]:
    """So many of each giver, one of each in turn."""
    turns = [(turn, giver) for giver, count in counts.items() for turn in range(count)]
    return [correction(number, giver) for number, (_, giver) in enumerate(sorted(turns))]


def of_each(corrections: Sequence[Correction]) -> Counter[str | None]:
    return Counter(one.giver for one in corrections)


@pytest.mark.parametrize(
    ("counts", "learned"),
    [
        ({"a": ALWAYS}, {"a": ALWAYS}),
        ({"a": 1000}, {"a": ALWAYS}),  # a small service with one user goes on
        ({"a": 1000, "b": 1000}, {"a": ALWAYS, "b": ALWAYS}),  # neither is a quarter
        ({"a": 400, "b": 400, "c": 400, "d": 400}, {"a": 400, "b": 400, "c": 400, "d": 400}),
        ({"bad": 3000, **{f"g{n}": 40 for n in range(30)}}, {"bad": 400, **{f"g{n}": 40 for n in range(30)}}),
    ],
)
def test_no_giver_has_more_than_a_share(counts: dict[str, int], learned: dict[str, int]) -> None:
    assert of_each(taken(made(**counts), SHARE)) == learned


def test_who_is_on_this_machine_and_whom_nobody_knows_is_not_limited() -> None:
    corrections = [correction(n, ("local", None, "addr:a")[n % 3]) for n in range(900)]
    assert of_each(taken(corrections, SHARE)) == {"local": 300, None: 300, "addr:a": 200}  # 200 of 800


def test_a_share_of_one_limits_nobody() -> None:
    corrections = made(a=500, b=1)
    assert taken(corrections, 1.0) == corrections


def test_what_no_job_has_learned_comes_first_so_that_all_have_their_turn() -> None:
    corrections = [correction(n, "a", job="ftjob-1" if n < 100 else None) for n in range(130)]
    chosen = taken(corrections, SHARE)
    assert [one.id for one in chosen] == [f"fb-{n}" for n in (*range(20), *range(100, 130))]


def test_a_flood_of_one_label_takes_the_place_of_no_other_and_nobody_later_that_of_the_older() -> None:
    older = [correction(n, "a", label="0123456789"[n % 10]) for n in range(50)]
    flood = [correction(n, "a", label="1") for n in range(50, 1000)]
    assert taken([*older, *flood], SHARE) == older


def test_what_the_champion_has_learned_stays_and_counts() -> None:
    corrections = [*made(a=400), *(correction(n, f"g{n}") for n in range(1000, 1600))]
    settled = {one.id for one in corrections[:300]}
    assert of_each(taken(corrections, SHARE, settled))["a"] == 350  # he has had more than a quarter already: ALWAYS
    assert of_each(taken(corrections, SHARE, {one.id for one in corrections[:100]}))["a"] == 200  # of 800


@given(
    st.lists(st.sampled_from(["a", "b", "c", "local", None]), max_size=400),
    st.floats(0.01, 1.0),
    st.sets(st.integers(0, 399)),
)
def test_the_bound_holds_whatever_comes(givers: list[str | None], share: float, known: set[int]) -> None:
    corrections = [correction(n, giver, label=str(n % 3)) for n, giver in enumerate(givers)]
    settled = {f"fb-{n}" for n in known}
    chosen = taken(corrections, share, settled)
    assert chosen == [one for one in corrections if one in chosen]  # in their order
    for giver in ("a", "b", "c"):
        new = [one for one in chosen if one.giver == giver and one.id not in settled]
        own = [one for one in chosen if one.giver == giver]
        assert len(new) <= ALWAYS or len(own) <= share * len(chosen)
    assert {one.id for one in corrections if one.giver in ("local", None)} <= {one.id for one in chosen}
