"""What a version has said, added and taken apart."""

from app.telemetry.drift.tally import Tally

BEFORE = Tally(10, 2, {"7": 6, "1": 4})
AFTER = Tally(25, 3, {"7": 16, "1": 4, "2": 5})


def test_what_came_since() -> None:
    assert AFTER.since(BEFORE) == Tally(15, 1, {"7": 10, "2": 5})
    assert BEFORE.plus(AFTER.since(BEFORE)) == AFTER


def test_who_counts_anew_has_said_nothing_since() -> None:
    assert BEFORE.since(AFTER) == Tally()


def test_shares() -> None:
    assert (AFTER.share("2"), AFTER.share("9"), AFTER.uncertain_share) == (0.2, 0.0, 0.12)
    assert (Tally().share("2"), Tally().uncertain_share) == (0.0, 0.0)
